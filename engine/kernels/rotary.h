#pragma once
#include <cstdint>

namespace crescent::kernels {

/// Rotary positions of the heads of one token, pairs (i, i + P) ("rotate half"):
///   y[i] = x[i] cos[i] - x[i+P] sin[i],   y[i+P] = x[i+P] cos[i] + x[i] sin[i],   0 <= i < P
/// and y[i] = x[i] for 2P <= i < D. Su et al. 2021, arXiv:2104.09864, section 3.4.2.
/// A head's result depends on nothing but the head, the table's row and the instruction set.
struct Rotate {
  const float* x = nullptr;  ///< (heads, D)
  int64_t x_stride = 0;
  int64_t heads = 0;
  int64_t head_dim = 0;        ///< D
  int64_t pairs = 0;           ///< P, 2P <= D
  const float* cos = nullptr;  ///< (P) of the token's position
  const float* sin = nullptr;  ///< (P)
  float* y = nullptr;          ///< (heads, D): x itself, or a place in the cache
  int64_t y_stride = 0;
};

}  // namespace crescent::kernels
