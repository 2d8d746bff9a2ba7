#pragma once
// Products of a few rows by a few rows, in registers: what matrix products and attention's scores
// have in common. Included by kernels' sources only; see simd.h.
#include "engine/kernels/simd.h"

namespace crescent::kernels::CRESCENT_ISA {

constexpr int64_t kOutsBlock = 64;  ///< sums of a row that wait together for what is done to them
constexpr int kOuts = 4;            ///< of a tile
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
};

/// sums[m, n] (+)= sum over k of x[m, k] w[n, k].
template <int kM, int kN>
CRESCENT_INLINE void add_tile(const Corner& at, int64_t inputs, bool first) {
  Floats sum[kM][kN] = {};
  const auto step = [&](auto load_x, auto load_w) __attribute__((always_inline)) {
    Floats x[kM];
    for (int m = 0; m < kM; ++m) x[m] = load_x(m);
    for (int n = 0; n < kN; ++n) {
      const Floats w = load_w(n);
      for (int m = 0; m < kM; ++m) sum[m][n] = fma(x[m], w, sum[m][n]);
    }
  };
  int64_t k = 0;
  for (; k + kLanes <= inputs; k += kLanes)
    step([&](int m) { return load(at.x + m * at.x_stride + k); },
         [&](int n) { return load(at.w + n * at.w_stride + k); });
  if (k < inputs)
    step([&](int m) { return load_first(at.x + m * at.x_stride + k, inputs - k); },
         [&](int n) { return load_first(at.w + n * at.w_stride + k, inputs - k); });
  for (int m = 0; m < kM; ++m) {
    float* const to = at.sums + m * kOutsBlock;
    if constexpr (kN == 4) {
      const Four made = sums_of(sum[m][0], sum[m][1], sum[m][2], sum[m][3]);
      auto* const four = reinterpret_cast<FourInMemory*>(to);
      *four = first ? made : *four + made;
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
    at.sums += by * kOutsBlock;
    rows -= by;
  };
  while (rows >= kRows) add_tile<kRows, kN>(at, inputs, first), next(kRows);
  if constexpr (kRows > 3)
    if (rows == 3) add_tile<3, kN>(at, inputs, first);
  if constexpr (kRows > 2)
    if (rows == 2) add_tile<2, kN>(at, inputs, first);
  if (rows == 1) add_tile<1, kN>(at, inputs, first);
}

/// Columns of tiles over at most kOutsBlock outs.
inline void add_columns(Corner at, int64_t rows, int64_t outs, int64_t inputs, bool first) {
  for (; outs >= kOuts; outs -= kOuts, at.w += kOuts * at.w_stride, at.sums += kOuts)
    add_column<kOuts>(at, rows, inputs, first);
  for (; outs > 0; --outs, at.w += at.w_stride, ++at.sums) add_column<1>(at, rows, inputs, first);
}

}  // namespace crescent::kernels::CRESCENT_ISA
