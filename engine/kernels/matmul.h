#pragma once
#include <cstdint>

#include "engine/kernels/stored.h"

namespace crescent::kernels {

/// What an epilogue does to a sum. gelu: x/2 (1 + erf(x / sqrt 2)); gelu_tanh: its approximation
/// by tanh; silu: x / (1 + e^-x). Hendrycks & Gimpel 2016, arXiv:1606.08415.
enum class Nonlinearity { none, relu, gelu, gelu_tanh, silu };

/// Rows up to which weights are streamed once, as they lie. More of them are multiplied by panels
/// that are turned first.
constexpr int64_t kFewRows = 8;

/// y = f(x w^T + bias) + residual, or gated: y = f(x w^T + bias) * (x up^T + up_bias) + residual.
/// All fp32, rows `..._stride` floats apart, at any address that a float may have; w and up may be
/// stored narrower.
///
/// Where w is integers and the rows are few, x is taken as integers too: each 32 of a row, from its
/// first on, are rounded to the nearest of -32767 .. 32767 times their greatest |x| / 32767. That
/// is 2^-16 of the greatest, 2^-8 of what int8 does to w. A group with a number that is not finite
/// becomes NaN, one below 1e-30 zeros.
///
/// Under 'amx', where w is narrow and the rows are many, x and what of w has a scale for each group
/// are sums of two bf16 each: 2^-17 of every number is lost, and what is below 1e-38 is 0. An
/// infinite x becomes NaN.
///
/// Plain code of the same: multiply_plainly in tests/engine/kernels/matmul_test.cpp, and
/// narrow_test.cpp.
///
/// Guaranteed bit-identical: y[m, n] depends on nothing but x[m], w[n], up[n], their biases, its
/// residual, K, the instruction set and whether the rows are few or many: not on how many they are,
/// on the tile or the threads. Except under 'amx', many rows by narrow weights give the bits
/// of fp32 ones that `dequantize` made of them; int8 those of its q, times the row's scale.
struct Matmul {
  const float* x = nullptr;  ///< (M, K)
  int64_t x_stride = 0;
  Stored w;                     ///< (N, K): as [out, in] in the file
  int64_t inputs = 0;           ///< K
  const float* bias = nullptr;  ///< (N) or null
  Nonlinearity nonlinearity = Nonlinearity::none;
  Stored up;                        ///< (N, K), or of no data: not gated
  const float* up_bias = nullptr;   ///< (N) or null
  const float* residual = nullptr;  ///< (M, N) or null; may be y itself, else must not overlap it
  int64_t residual_stride = 0;
  float* y = nullptr;  ///< (M, N); must not overlap x
  int64_t y_stride = 0;
};

/// What of y to compute. Threads split the outs, so that each weight is read by one of them only:
/// share_of(N, rank, kOutsGrain).
struct MatmulTile {
  int64_t rows_begin = 0, rows_end = 0;  ///< in 0 .. M
  int64_t outs_begin = 0, outs_end = 0;  ///< in 0 .. N
};
constexpr int64_t kOutsGrain = 16;  ///< floats of a cache line: no two threads write the same one

}  // namespace crescent::kernels
