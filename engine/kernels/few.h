#pragma once
// Products of few rows by weights of any width, which are streamed once: each number is widened in
// registers and multiplied with all rows of x. Included by kernels' sources only; see simd.h. A sum
// is the same chain of the same floats as tile.h's.
#include "engine/kernels/tile.h"
#include "engine/kernels/widen.h"

namespace crescent::kernels::CRESCENT_ISA {

constexpr int64_t kFew = 8;  ///< rows up to which w is streamed

/// Outs of a tile of so many rows. As many sums as make up for the latency of fused multiply-adds
/// and leave room for what is widened; rows of x come from the first cache with each.
constexpr int few_outs(int64_t rows) { return rows <= 3 ? 4 : rows <= 6 ? 2 : 1; }

/// Rows of x lie in blocks of kInputsBlock inputs, each block's rows kPanelStride floats apart: a
/// constant, so that one pointer finds them all; and no multiple of 4 KiB, which would put them
/// into the same few ways of the first cache. A single row needs no such panel.
constexpr int64_t kPanelStride = kInputsBlock + 16;
constexpr int64_t kPanelBlocks = 8;  ///< at most 200 KiB

/// (rows, K) in a panel and (outs, K); sums (rows, outs).
struct FewRows {
  const float* x;
  Stored w;
  int64_t inputs;      ///< K
  int64_t begin, end;  ///< of K: what x has and what is added
  float* sums;
  int64_t sums_stride;
};
/// A block of K.
struct Block {
  int64_t begin, count;
};
/// Outs of a tile.
struct Outs {
  int64_t first, apart;
};

/// Rows from which the processor's own prefetching is too late, as the stream is read so slowly:
/// with 8 rows of fp32 17 GB/s instead of 26 (Zen 3, 2 threads). Fewer rows lose by the
/// instruction.
constexpr int kPrefetched = 4;

/// The lines that the stream will have come to some groups later.
template <Width kWidth>
CRESCENT_INLINE void prefetch(const void* place) {
  constexpr int64_t kAhead = 1024, kLine = 64;
  const char* const ahead = static_cast<const char*>(place) + kAhead;
  __builtin_prefetch(ahead);
  if constexpr (kWidth == Width::fp32) __builtin_prefetch(ahead + kLine);  // two lines a group
}

template <int kM>
CRESCENT_INLINE const float* panel_block(const FewRows& at, const Block& block) {
  const int64_t inputs = block.begin - at.begin;
  return at.x + (kM == 1 ? inputs : inputs / kInputsBlock * kM * kPanelStride);
}

/// The inputs that are no whole group, as tile.h reads them: padding takes no part.
template <Width kWidth, int kM, int kN>
CRESCENT_INLINE void add_rest(const FewRows& at, const Reader<kWidth> (&w)[kN], const Block& block,
                              Floats (&sum)[kM][kN]) {
  const int64_t done = block.count / kGroup * kGroup, rest = block.count - done;
  const float* const x = panel_block<kM>(at, block) + done;
  alignas(64) float last[kGroup];
  for (int n = 0; n < kN; ++n) {
    const Wide wide = w[n].rest(done / kGroup, rest);
    for (int j = 0; j < kVectors; ++j) store(last + j * kLanes, wide.of[j]);
    for (int64_t k = 0; k < rest; k += kLanes) {
      const int64_t lanes = rest - k;
      const auto get = [&](const float* from) __attribute__((always_inline)) {
        return lanes < kLanes ? load_first(from + k, lanes) : load(from + k);
      };
      const Floats out = get(last);
      for (int m = 0; m < kM; ++m) sum[m][n] = fma(get(x + m * kPanelStride), out, sum[m][n]);
    }
  }
}

/// Adds up the lanes of all sums, four at a time.
template <int kM, int kN>
CRESCENT_INLINE void add_all_lanes(const Floats (&sum)[kM][kN], bool first, const Outs& outs,
                                   const FewRows& at) {
  constexpr int kAll = kM * kN;
  const auto one = [&](int i) __attribute__((always_inline)) {
    const int of = i < kAll ? i : kAll - 1;
    return sum[of / kN][of % kN];
  };
  for (int i = 0; i < kAll; i += 4) {
    const Four made = sums_of(one(i), one(i + 1), one(i + 2), one(i + 3));
    for (int lane = 0; lane < 4 && i + lane < kAll; ++lane) {
      const int m = (i + lane) / kN, n = (i + lane) % kN;
      float& to = at.sums[m * at.sums_stride + outs.first + n * outs.apart];
      to = first ? made[lane] : to + made[lane];
    }
  }
}

/// sums[m, n] (+)= sum over a block of K of x[m, k] w[n, k].
template <Width kWidth, int kM, int kN>
CRESCENT_INLINE void add_few(const FewRows& at, const Block& block, const Outs& outs) {
  Reader<kWidth> w[kN];
  for (int n = 0; n < kN; ++n)
    w[n].start(at.w, outs.first + n * outs.apart, at.inputs, block.begin, block.count);
  Floats sum[kM][kN];
  for (int m = 0; m < kM; ++m)
    for (int n = 0; n < kN; ++n) sum[m][n] = Floats{};
  const float* x = panel_block<kM>(at, block);
  const int64_t groups = block.count / kGroup;
  for (int64_t group = 0; group < groups; ++group, x += kGroup) {
    for (int n = 0; n < kN; ++n) {
      if constexpr (kM >= kPrefetched) prefetch<kWidth>(w[n].place(group));
      const Wide wide = w[n].at(group);
      for (int j = 0; j < kVectors; ++j)
        for (int m = 0; m < kM; ++m)
          sum[m][n] = fma(load(x + m * kPanelStride + j * kLanes), wide.of[j], sum[m][n]);
    }
  }
  if (groups * kGroup < block.count) add_rest<kWidth, kM, kN>(at, w, block, sum);
  add_all_lanes<kM, kN>(sum, block.begin == 0, outs, at);
}

/// Each tile takes its outs a part of them apart, so that w is read in as many streams, which go on
/// from row to row: rows that change with each tile end too soon for the processor to see that they
/// are streams (see tile.h). Sums are added up every kInputsBlock inputs.
template <Width kWidth, int kM>
void stream(const FewRows& at, int64_t outs) {
  constexpr int kN = few_outs(kM);
  const int64_t apart = outs / kN;
  const auto add = [&]<int kTile>(const Outs& tile) __attribute__((always_inline)) {
    for (int64_t k = at.begin; k < at.end || k == 0; k += kInputsBlock)
      add_few<kWidth, kM, kTile>(at, {k, less_of(kInputsBlock, at.end - k)}, tile);
  };
  for (int64_t n = 0; n < apart; ++n) add.template operator()<kN>({n, apart});
  for (int64_t n = kN * apart; n < outs; ++n) add.template operator()<1>({n, 1});
}

template <Width kWidth>
void stream(const FewRows& at, int64_t rows, int64_t outs) {
  switch (rows) {
    case 1: return stream<kWidth, 1>(at, outs);
    case 2: return stream<kWidth, 2>(at, outs);
    case 3: return stream<kWidth, 3>(at, outs);
    case 4: return stream<kWidth, 4>(at, outs);
    case 5: return stream<kWidth, 5>(at, outs);
    case 6: return stream<kWidth, 6>(at, outs);
    case 7: return stream<kWidth, 7>(at, outs);
    case 8: return stream<kWidth, 8>(at, outs);
  }
}

}  // namespace crescent::kernels::CRESCENT_ISA
