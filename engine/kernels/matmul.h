#pragma once
#include <cstdint>

#include "engine/kernels/stored.h"

namespace crescent::kernels {

/// What an epilogue does to a sum. gelu: x/2 (1 + erf(x / sqrt 2)); gelu_tanh: its approximation
/// by tanh; silu: x / (1 + e^-x). Hendrycks & Gimpel 2016, arXiv:1606.08415.
enum class Nonlinearity { none, relu, gelu, gelu_tanh, silu };

/// y = f(x w^T + bias) + residual, or gated: y = f(x w^T + bias) * (x up^T + up_bias) + residual.
/// All fp32, rows `..._stride` floats apart, at any address that a float may have; w and up may be
/// stored narrower.
///
/// Plain code of the same: see multiply_plainly in tests/engine/kernels/matmul_test.cpp.
///
/// Guaranteed bit-identical: y[m, n] depends on nothing but x[m], w[n], up[n], their biases, its
/// residual, K and the instruction set: not on how many rows there are, on the tile or the threads.
/// (Sums of interleaved partial sums over blocks of 768 inputs, always in the same order.)
/// Narrow weights give the bits of fp32 ones that `dequantize` made of them; int8 those of its q,
/// times the row's scale.
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
