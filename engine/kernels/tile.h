#pragma once
// Products of a few rows by a few rows, in registers: what matrix products and attention's scores
// have in common. Included by kernels' sources only; see simd.h.
#include "engine/kernels/simd.h"

namespace crescent::kernels::CRESCENT_ISA {

constexpr int kOuts = 4;  ///< of a tile
/// Rows of a tile. With them 12 sums, 3 rows and one out fill the 16 registers of AVX2.
#if defined(__AVX512F__)
constexpr int kRows = 4;
#elif defined(__AVX2__)
constexpr int kRows = 3;
#else
constexpr int kRows = 2;
#endif

CRESCENT_INLINE int64_t less_of(int64_t a, int64_t b) { return a < b ? a : b; }
CRESCENT_INLINE int64_t greater_of(int64_t a, int64_t b) { return a > b ? a : b; }

/// (rows, K) and (outs, K) at one place of K; sums (rows, outs).
struct Corner {
  const float* x;
  int64_t x_stride;
  const float* w;
  int64_t w_stride;
  float* sums;
  int64_t sums_stride;
};

/// sums[m, n] (+)= sum over k of x[m, k] w[n, k].
template <int kM, int kN>
CRESCENT_INLINE void add_tile(const float* x, int64_t x_stride, const float* w, int64_t w_step,
                              int64_t inputs, bool first, float* sums, int64_t sums_stride,
                              int64_t apart) {
  Floats sum[kM][kN];
  for (int m = 0; m < kM; ++m)
    for (int n = 0; n < kN; ++n) sum[m][n] = Floats{};
  int64_t k = 0;
  for (; k + kLanes <= inputs; k += kLanes) {
    Floats row[kM];
    for (int m = 0; m < kM; ++m) row[m] = load(x + m * x_stride + k);
    for (int n = 0; n < kN; ++n) {
      const Floats out = load(w + n * w_step + k);
      for (int m = 0; m < kM; ++m) sum[m][n] = fma(row[m], out, sum[m][n]);
    }
  }
  if (k < inputs) {
    Floats row[kM];
    for (int m = 0; m < kM; ++m) row[m] = load_first(x + m * x_stride + k, inputs - k);
    for (int n = 0; n < kN; ++n) {
      const Floats out = load_first(w + n * w_step + k, inputs - k);
      for (int m = 0; m < kM; ++m) sum[m][n] = fma(row[m], out, sum[m][n]);
    }
  }
  for (int m = 0; m < kM; ++m) {
    float* const to = sums + m * sums_stride;
    if constexpr (kN == 4) {
      const Four made = sums_of(sum[m][0], sum[m][1], sum[m][2], sum[m][3]);
      if (apart == 1) {
        store_four(to, first ? made : load_four(to) + made);
      } else {
        for (int n = 0; n < kN; ++n) {
          float& one = to[n * apart];
          one = first ? made[n] : one + made[n];
        }
      }
    } else {
      const float made = sum_of(sum[m][0]);
      *to = first ? made : *to + made;
    }
  }
}

/// All rows of a column of tiles: outs `apart` rows of w from each other.
template <int kN>
CRESCENT_INLINE void add_column(const Corner& at, int64_t rows, int64_t inputs, bool first,
                                int64_t apart) {
  const float* x = at.x;
  float* sums = at.sums;
  const int64_t x_stride = at.x_stride, sums_stride = at.sums_stride;
  const int64_t w_step = apart * at.w_stride;
  for (; rows >= kRows; rows -= kRows, x += kRows * x_stride, sums += kRows * sums_stride)
    add_tile<kRows, kN>(x, x_stride, at.w, w_step, inputs, first, sums, sums_stride, apart);
  if constexpr (kRows > 3)
    if (rows == 3)
      add_tile<3, kN>(x, x_stride, at.w, w_step, inputs, first, sums, sums_stride, apart);
  if constexpr (kRows > 2)
    if (rows == 2)
      add_tile<2, kN>(x, x_stride, at.w, w_step, inputs, first, sums, sums_stride, apart);
  if (rows == 1)
    add_tile<1, kN>(x, x_stride, at.w, w_step, inputs, first, sums, sums_stride, apart);
}

/// Columns of tiles over neighbouring outs.
inline void add_columns(Corner at, int64_t rows, int64_t outs, int64_t inputs, bool first) {
  for (; outs >= kOuts; outs -= kOuts, at.w += kOuts * at.w_stride, at.sums += kOuts)
    add_column<kOuts>(at, rows, inputs, first, 1);
  for (; outs > 0; --outs, at.w += at.w_stride, ++at.sums)
    add_column<1>(at, rows, inputs, first, 1);
}

}  // namespace crescent::kernels::CRESCENT_ISA
