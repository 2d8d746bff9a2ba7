#pragma once
// What becomes of a product's sums: see matmul.h. Included by kernels' sources only; see simd.h.
#include "engine/kernels/matmul.h"
#include "engine/kernels/simd.h"

namespace crescent::kernels::CRESCENT_ISA {

/// erf within 3e-7: x P(x^2) / Q(x^2) on [-4, 4], as Eigen's; 1 there to fp32's precision.
inline Floats erf_of(Floats x) {
  const Floats within = x < -4.0f ? all(-4) : x > 4.0f ? all(4) : x;
  const Floats square = within * within;
  Floats p = fma(all(-2.72614225801306e-10f), square, all(2.77068142495902e-08f));
  p = fma(p, square, all(-2.10102402082508e-06f));
  p = fma(p, square, all(-5.69250639462346e-05f));
  p = fma(p, square, all(-7.34990630326855e-04f));
  p = fma(p, square, all(-2.95459980854025e-03f));
  p = fma(p, square, all(-1.60960333262415e-02f));
  Floats q = fma(all(-1.45660718464996e-05f), square, all(-2.13374055278905e-04f));
  q = fma(q, square, all(-1.68282697438203e-03f));
  q = fma(q, square, all(-7.37332916720468e-03f));
  q = fma(q, square, all(-1.42647390514189e-02f));
  return within * p / q;
}

template <Nonlinearity kF>
CRESCENT_INLINE Floats apply(Floats x) {
  if constexpr (kF == Nonlinearity::relu) {
    return x < 0.0f ? Floats{} : x;
  } else if constexpr (kF == Nonlinearity::gelu) {
    return 0.5f * x * (1.0f + erf_of(x * 0.70710678118654752f));
  } else if constexpr (kF == Nonlinearity::gelu_tanh) {
    // (1 + tanh u) / 2 = 1 / (1 + e^-2u)
    const Floats u = 0.79788456080286536f * (x + 0.044715f * x * x * x);
    return x / (1.0f + exp_of(-2.0f * u));
  } else if constexpr (kF == Nonlinearity::silu) {
    return x / (1.0f + exp_of(-x));
  } else {
    return x;
  }
}

/// Sums of a tile, rows of which lie `stride` floats apart.
struct TileSums {
  const float* w;
  const float* up;  ///< read where the job has one
  int64_t stride;
};

template <Nonlinearity kF>
void finish_as(const Matmul& job, const MatmulTile& tile, const TileSums& sums) {
  for (int64_t m = tile.rows_begin; m < tile.rows_end; ++m) {
    const int64_t row = (m - tile.rows_begin) * sums.stride - tile.outs_begin;
    const float* const residual = job.residual ? job.residual + m * job.residual_stride : nullptr;
    float* const y = job.y + m * job.y_stride;
    for (int64_t n = tile.outs_begin; n < tile.outs_end; n += kLanes) {
      const int64_t lanes = tile.outs_end - n;
      Floats value = load_some(sums.w + row + n, lanes);
      if (job.w.scales) value *= load_some(job.w.scales + n, lanes);
      if (job.bias) value += load_some(job.bias + n, lanes);
      value = apply<kF>(value);
      if (job.up.data) {
        Floats up = load_some(sums.up + row + n, lanes);
        if (job.up.scales) up *= load_some(job.up.scales + n, lanes);
        if (job.up_bias) up += load_some(job.up_bias + n, lanes);
        value *= up;
      }
      if (residual) value += load_some(residual + n, lanes);
      store_some(y + n, value, lanes);
    }
  }
}

/// Sums of all inputs to y.
inline void finish_tile(const Matmul& job, const MatmulTile& tile, const TileSums& sums) {
  switch (job.nonlinearity) {
    case Nonlinearity::none: return finish_as<Nonlinearity::none>(job, tile, sums);
    case Nonlinearity::relu: return finish_as<Nonlinearity::relu>(job, tile, sums);
    case Nonlinearity::gelu: return finish_as<Nonlinearity::gelu>(job, tile, sums);
    case Nonlinearity::gelu_tanh: return finish_as<Nonlinearity::gelu_tanh>(job, tile, sums);
    case Nonlinearity::silu: return finish_as<Nonlinearity::silu>(job, tile, sums);
  }
}

}  // namespace crescent::kernels::CRESCENT_ISA
