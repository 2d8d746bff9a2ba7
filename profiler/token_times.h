#pragma once
#include <cstdint>
#include <vector>

#include "profiler/spans.h"

namespace crescent {

/// When the tokens of a recorded generation came.
struct TokenTimes {
  double ttft_ns = 0;  ///< tokenize, prefill and the first sample together; 0 without a sample
  /// From one sampled id to the next: decode, sample, detokenize and all between. One less than the
  /// ids of each generation.
  std::vector<double> token_ns;
  /// The sections of each new id, in ns: the first one's prefill stands in `decode_ns`.
  struct Token {
    int64_t decode_ns = 0, sample_ns = 0, detokenize_ns = 0;
  };
  std::vector<Token> tokens;
};

/// Of the last generation where there are several: each begins with a prefill.
TokenTimes token_times(const Recording& recording);

}  // namespace crescent
