#pragma once
#include <cstdint>

namespace crescent::kernels {

/// A norm over each row by itself. fp32; a row's result depends on nothing but the row, the
/// parameters and the instruction set (bit-identical whatever the rows are).
///   layer norm: y = (x - mean) / sqrt(variance + eps) * weight + bias, variance over C, not C - 1.
///     Ba, Kiros & Hinton 2016, arXiv:1607.06450.
///   RMS norm:   y = x / sqrt(mean of x^2 + eps) * weight + bias.
///     Zhang & Sennrich 2019, arXiv:1910.07467.
struct Norm {
  const float* x = nullptr;  ///< (rows, C)
  int64_t x_stride = 0;
  int64_t width = 0;              ///< C, at least 1
  const float* weight = nullptr;  ///< (C) or null: ones
  const float* bias = nullptr;    ///< (C) or null: zeros
  float eps = 0;
  float* y = nullptr;  ///< (rows, C); may be x itself
  int64_t y_stride = 0;
};

}  // namespace crescent::kernels
