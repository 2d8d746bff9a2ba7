#pragma once
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "engine/random.h"

namespace crescent {

struct SamplingOptions {
  double temperature = 0.0;  ///< 0: the largest logit, the first of equal ones
  int64_t top_k = 0;         ///< 0: all
  double top_p = 1.0;        ///< keep the smallest set whose probability reaches it
  double repetition_penalty =
      1.0;  ///< divides positive logits of seen ids, multiplies negative ones
  uint64_t seed = 1;
};

/// Picks the next id. Keskar et al. 2019 (arXiv:1909.05858, section 4.1) for the penalty,
/// Holtzman et al. 2020 (arXiv:1904.09751) for top-p. Order as in transformers: penalty,
/// temperature, top-k, top-p.
class Sampler {
 public:
  explicit Sampler(const SamplingOptions& options);
  /// @param logits (V). Not changed.   @param seen ids of prompt and output so far.
  /// Cost: one pass over V; with top_k or top_p a partial sort of the candidates.
  int32_t pick(std::span<const float> logits, std::span<const int32_t> seen);

 private:
  void penalize(std::span<const float> logits, std::span<const int32_t> seen);
  int32_t draw(double sum);

  SamplingOptions options_;
  Random random_;
  std::vector<std::pair<float, int32_t>> candidates_;
};

}  // namespace crescent
