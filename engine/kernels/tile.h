#pragma once
// Products of a few rows by a few rows, in registers: what matrix products and attention's scores
// have in common. Included by kernels' sources only; see simd.h.
#include "engine/kernels/simd.h"

namespace crescent::kernels::CRESCENT_ISA {

constexpr int kOuts = 4;  ///< of a tile
// Rows of a tile. With 3 of them, 12 sums, the rows and one out fill the 16 registers of AVX2.
#if defined(__AVX512F__)
constexpr int kRows = 4;
#elif defined(__AVX2__)
constexpr int kRows = 3;
#else
constexpr int kRows = 2;
#endif

/// A block of K.
struct Block {
  int64_t begin, count;
};

/// (rows, K) and (outs, K) at one place of K; sums (rows, outs).
struct Corner {
  const float* x;
  int64_t x_stride;
  const float* w;
  int64_t w_stride;
  float* sums;
  int64_t sums_stride;
};

/// Adds up the lanes. Neighbouring outs' sums lie `apart`.
template <int kN>
CRESCENT_INLINE void add_lanes(const Floats* sum, bool first, int64_t apart, float* to) {
  if constexpr (kN == 4) {
    const Four made = sums_of(sum[0], sum[1], sum[2], sum[3]);
    if (apart == 1) {
      store_four(to, first ? made : load_four(to) + made);
    } else {
      for (int n = 0; n < kN; ++n) {
        float& one = to[n * apart];
        one = first ? made[n] : one + made[n];
      }
    }
  } else {
    const float made = sum_of(sum[0]);
    *to = first ? made : *to + made;
  }
}

/// sums[m, n] (+)= sum over k of x[m, k] w[n, k], with the outs' sums `apart` from each other.
template <int kM, int kN>
CRESCENT_INLINE void add_tile(const Corner& at, int64_t inputs, bool first, int64_t apart) {
  Floats sum[kM][kN];
  for (int m = 0; m < kM; ++m)
    for (int n = 0; n < kN; ++n) sum[m][n] = Floats{};
  const auto add = [&](auto get) __attribute__((always_inline)) {
    Floats row[kM];
    for (int m = 0; m < kM; ++m) row[m] = get(at.x + m * at.x_stride);
    for (int n = 0; n < kN; ++n) {
      const Floats out = get(at.w + n * at.w_stride);
      for (int m = 0; m < kM; ++m) sum[m][n] = fma(row[m], out, sum[m][n]);
    }
  };
  int64_t k = 0;
  for (; k + kLanes <= inputs; k += kLanes)
    add([k](const float* from) __attribute__((always_inline)) { return load(from + k); });
  if (k < inputs)
    add([ k, inputs ](const float* from)
            __attribute__((always_inline)) { return load_first(from + k, inputs - k); });
  for (int m = 0; m < kM; ++m) add_lanes<kN>(sum[m], first, apart, at.sums + m * at.sums_stride);
}

/// All rows of a column of tiles.
template <int kN>
CRESCENT_INLINE void add_column(Corner at, int64_t rows, int64_t inputs, bool first,
                                int64_t apart) {
  for (; rows >= kRows; rows -= kRows) {
    add_tile<kRows, kN>(at, inputs, first, apart);
    at.x += kRows * at.x_stride;
    at.sums += kRows * at.sums_stride;
  }
  if constexpr (kRows > 3)
    if (rows == 3) add_tile<3, kN>(at, inputs, first, apart);
  if constexpr (kRows > 2)
    if (rows == 2) add_tile<2, kN>(at, inputs, first, apart);
  if (rows == 1) add_tile<1, kN>(at, inputs, first, apart);
}

/// Columns of tiles over neighbouring outs.
inline void add_columns(Corner at, int64_t rows, int64_t outs, int64_t inputs, bool first) {
  for (; outs >= kOuts; outs -= kOuts, at.w += kOuts * at.w_stride, at.sums += kOuts)
    add_column<kOuts>(at, rows, inputs, first, 1);
  for (; outs > 0; --outs, at.w += at.w_stride, ++at.sums)
    add_column<1>(at, rows, inputs, first, 1);
}

/// For few rows: each tile takes its outs a quarter of them apart, so that w is read in four
/// streams that go on from row to row. Four neighbouring rows at a time end too soon for the
/// processor to see that they are streams: 17 GB/s instead of 28 (Zen 3, K = 768), and prefetch
/// instructions did not make up for it. Sums are added up every `inputs_block` inputs.
inline void add_streams(const Corner& at, int64_t rows, int64_t outs, int64_t inputs,
                        int64_t inputs_block) {
  const int64_t apart = outs / kOuts, rest = apart * kOuts;
  Corner here = at;
  here.w_stride = apart * at.w_stride;
  for (int64_t n = 0; n < apart; ++n) {
    here.sums = at.sums + n;
    for (int64_t k = 0; k < inputs || k == 0; k += inputs_block) {
      here.x = at.x + k;
      here.w = at.w + n * at.w_stride + k;
      add_column<kOuts>(here, rows, less_of(inputs_block, inputs - k), k == 0, apart);
    }
  }
  here.sums = at.sums + rest;
  here.w_stride = at.w_stride;
  for (int64_t k = 0; k < inputs || k == 0; k += inputs_block) {
    here.x = at.x + k;
    here.w = at.w + rest * at.w_stride + k;
    add_columns(here, rows, outs - rest, less_of(inputs_block, inputs - k), k == 0);
  }
}

}  // namespace crescent::kernels::CRESCENT_ISA
