#pragma once
// Products with weights that are stored narrower: tile.h's, with numbers widened on their way.
// Included by kernels' sources only; see simd.h. Whether they are widened in registers or into a
// buffer, they are the same floats and are added up in the same order.
#include "engine/kernels/tile.h"
#include "engine/kernels/widen.h"

namespace crescent::kernels::CRESCENT_ISA {

/// (rows, K) from one of its inputs on, (outs, K) from one of its rows on; sums (rows, outs).
struct NarrowCorner {
  const float* x;
  int64_t x_stride;
  Stored w;
  int64_t inputs;  ///< K
  float* sums;
  int64_t sums_stride;
};
/// A block of K.
struct Block {
  int64_t begin, count;
};

/// sums[n] (+)= sum over k of x[k] w[n, k], of one row.
template <Width kWidth, int kN>
CRESCENT_INLINE void add_one_row(const float* x, const Reader<kWidth> (&w)[kN], const Block& block,
                                 int64_t apart, float* sums) {
  Floats sum[kN];
  for (int n = 0; n < kN; ++n) sum[n] = Floats{};
  const int64_t groups = block.count / kGroup, rest = block.count % kGroup;
  for (int64_t group = 0; group < groups; ++group, x += kGroup) {
    Floats row[kVectors];
    for (int j = 0; j < kVectors; ++j) row[j] = load(x + j * kLanes);
    for (int n = 0; n < kN; ++n) {
      const Wide wide = w[n].at(group);
      for (int j = 0; j < kVectors; ++j) sum[n] = fma(row[j], wide.of[j], sum[n]);
    }
  }
  if (rest > 0) {
    float last[kGroup];
    for (int n = 0; n < kN; ++n) {
      const Wide wide = w[n].rest(groups, rest);
      for (int j = 0; j < kVectors; ++j) store(last + j * kLanes, wide.of[j]);
      for (int64_t k = 0; k < rest; k += kLanes) {
        const int64_t lanes = rest - k;
        sum[n] = lanes < kLanes ? fma(load_first(x + k, lanes), load_first(last + k, lanes), sum[n])
                                : fma(load(x + k), load(last + k), sum[n]);
      }
    }
  }
  add_lanes<kN>(sum, block.begin == 0, apart, sums);
}

/// Outs that lie `apart` from each other, from out `n` on, over a block of K.
template <Width kWidth, int kN>
CRESCENT_INLINE void add_narrow_outs(const NarrowCorner& at, int64_t rows, const Block& block,
                                     int64_t n, int64_t apart) {
  if (rows == 1) {
    Reader<kWidth> readers[kN];
    for (int i = 0; i < kN; ++i)
      readers[i].start(at.w, n + i * apart, at.inputs, block.begin, block.count);
    return add_one_row<kWidth, kN>(at.x, readers, block, apart, at.sums + n);
  }
  alignas(64) float wide[kN * kInputsBlock];
  for (int i = 0; i < kN; ++i)
    widen<kWidth>(at.w, n + i * apart, at.inputs, block.begin, block.count,
                  wide + i * kInputsBlock);
  add_column<kN>({at.x, at.x_stride, wide, kInputsBlock, at.sums + n, at.sums_stride}, rows,
                 block.count, block.begin == 0, apart);
}

/// Few rows: in streams, as add_streams.
template <Width kWidth>
void add_narrow_streams(const NarrowCorner& at, int64_t rows, int64_t outs) {
  const int64_t apart = outs / kOuts;
  NarrowCorner here = at;
  for (int64_t n = 0; n < outs - apart * (kOuts - 1); ++n) {
    for (int64_t k = 0; k < at.inputs || k == 0; k += kInputsBlock) {
      const Block block{k, less_of(kInputsBlock, at.inputs - k)};
      here.x = at.x + k;
      if (n < apart) add_narrow_outs<kWidth, kOuts>(here, rows, block, n, apart);
      else add_narrow_outs<kWidth, 1>(here, rows, block, n + apart * (kOuts - 1), 1);
    }
  }
}

/// Many rows, a block of K.
template <Width kWidth>
void add_narrow_columns(const NarrowCorner& at, int64_t rows, int64_t outs, const Block& block) {
  int64_t n = 0;
  for (; n + kOuts <= outs; n += kOuts) add_narrow_outs<kWidth, kOuts>(at, rows, block, n, 1);
  for (; n < outs; ++n) add_narrow_outs<kWidth, 1>(at, rows, block, n, 1);
}

}  // namespace crescent::kernels::CRESCENT_ISA
