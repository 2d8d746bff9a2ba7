#pragma once
#include <cstdint>

#include "engine/kernels/isa.h"

namespace crescent::kernels {

/// What one pass over some values finds out about them. Sums are taken in fp32 over a few thousand
/// values and in fp64 from there on. A NaN makes the sums NaN and counts as neither below nor
/// negative.
struct Moments {
  double sum = 0, sum_abs = 0, sum_squares = 0;
  float abs_max = 0;
  int64_t below = 0;     ///< |x| < threshold
  int64_t negative = 0;  ///< x < 0
  int64_t count = 0;
};

/// What one query's attention looks like: probabilities that sum to 1.
struct AttentionRow {
  double entropy_nats = 0;  ///< sum of -p ln p, within 2e-6 of the exact one a key
  float max = 0;
  int64_t below = 0;  ///< p < threshold
};

/// The loops behind activation statistics, one source compiled per instruction set.
struct MomentsKernel {
  const char* isa;
  Moments (*moments)(const float* values, int64_t count, float threshold);
  AttentionRow (*attention_row)(const float* probabilities, int64_t count, float threshold);
};

const MomentsKernel& moments_kernel();  ///< of isa()
/// @throws Error if it is not available.
const MomentsKernel& moments_kernel(Isa);

}  // namespace crescent::kernels
