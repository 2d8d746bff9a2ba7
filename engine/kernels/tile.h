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
  int64_t apart = 1;  // rows of w from one out of a tile to the next
};

/// sums[m, n] (+)= sum over k of x[m, k] w[n, k].
template <int kM, int kN>
CRESCENT_INLINE void add_tile(const Corner& at, int64_t inputs, bool first) {
  Floats sum[kM][kN] = {};
  const int64_t w_step = at.apart * at.w_stride;
  const auto step = [&](auto load_x, auto load_w) __attribute__((always_inline)) {
    Floats x[kM];
    for (int m = 0; m < kM; ++m) x[m] = load_x(m);
    for (int n = 0; n < kN; ++n) {
      const Floats w = load_w(n);
      for (int m = 0; m < kM; ++m) sum[m][n] = fma(x[m], w, sum[m][n]);
    }
  };
  const auto whole_step = [&](int64_t k) __attribute__((always_inline)) {
    step([&](int m) { return load(at.x + m * at.x_stride + k); },
         [&](int n) { return load(at.w + n * w_step + k); });
  };
  int64_t k = 0;
  if constexpr (kM == 1)
    for (; k + 2 * kLanes <= inputs; k += 2 * kLanes) whole_step(k), whole_step(k + kLanes);
  for (; k + kLanes <= inputs; k += kLanes) whole_step(k);
  if (k < inputs)
    step([&](int m) { return load_first(at.x + m * at.x_stride + k, inputs - k); },
         [&](int n) { return load_first(at.w + n * w_step + k, inputs - k); });
  for (int m = 0; m < kM; ++m) {
    float* const to = at.sums + m * at.sums_stride;
    if constexpr (kN == 4) {
      const Four made = sums_of(sum[m][0], sum[m][1], sum[m][2], sum[m][3]);
      if (at.apart == 1) {
        store_four(to, first ? made : load_four(to) + made);
      } else {
        for (int n = 0; n < kN; ++n) {
          float& one = to[n * at.apart];
          one = first ? made[n] : one + made[n];
        }
      }
    } else {
      const float made = sum_of(sum[m][0]);
      *to = first ? made : *to + made;
    }
  }
}

/// All rows of a column of tiles.
template <int kN>
inline void add_column(Corner at, int64_t rows, int64_t inputs, bool first) {
  const auto next = [&](int64_t by) {
    at.x += by * at.x_stride;
    at.sums += by * at.sums_stride;
    rows -= by;
  };
  while (rows >= kRows) add_tile<kRows, kN>(at, inputs, first), next(kRows);
  if constexpr (kRows > 3)
    if (rows == 3) add_tile<3, kN>(at, inputs, first);
  if constexpr (kRows > 2)
    if (rows == 2) add_tile<2, kN>(at, inputs, first);
  if (rows == 1) add_tile<1, kN>(at, inputs, first);
}

/// Columns of tiles over some outs.
inline void add_columns(Corner at, int64_t rows, int64_t outs, int64_t inputs, bool first) {
  for (; outs >= kOuts; outs -= kOuts, at.w += kOuts * at.w_stride, at.sums += kOuts)
    add_column<kOuts>(at, rows, inputs, first);
  for (; outs > 0; --outs, at.w += at.w_stride, ++at.sums) add_column<1>(at, rows, inputs, first);
}

}  // namespace crescent::kernels::CRESCENT_ISA
