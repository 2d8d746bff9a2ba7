#pragma once
// Products of few rows by weights of any width, which are streamed once and multiplied with all
// rows of x in registers: fp32 and bf16 as floats, int8 and int4 as integers. Included by kernels'
// sources only; see simd.h.
#include "engine/kernels/integers.h"
#include "engine/kernels/tile.h"

namespace crescent::kernels::CRESCENT_ISA {

constexpr bool is_integer(Width width) { return width != Width::fp32 && width != Width::bf16; }

/// Outs of a tile of so many rows. As many sums as make up for the latency of fused multiply-adds
/// and leave room for what is widened; rows of x come from the first cache with each.
constexpr int few_outs(Width width, int64_t rows) {
  if (is_integer(width)) return rows <= 2 ? 4 : rows <= 4 ? 2 : 1;
  return rows <= 3 ? 4 : rows <= 6 ? 2 : 1;
}

/// Rows of x lie in blocks of kInputsBlock inputs, each block's rows kPanelStride floats apart: a
/// constant, so that one pointer finds them all; and no multiple of 4 KiB, which would put them
/// into the same few ways of the first cache. A single row needs no such panel.
constexpr int64_t kPanelStride = kInputsBlock + 16;
constexpr int64_t kPanelBlocks = 8;  ///< at most 200 KiB

/// (rows, K) in a panel and (outs, K); sums (rows, outs).
struct FewRows {
  const float* x;                ///< fp32, bf16
  const IntegerBlock* integers;  ///< int8, int4: [block][row]
  Stored w;
  int64_t inputs;      ///< K
  int64_t begin, end;  ///< of K: what x has and what is added
  float* sums;
  int64_t sums_stride;
};
/// Outs of a tile.
struct Outs {
  int64_t first, apart;
};

/// The lines that the stream will have come to some groups later: the processor's own prefetching
/// is too late where what is done with a line takes as long as it takes to come. With 8 rows of
/// fp32 17 GB/s instead of 26 (Zen 3, 2 threads); one row by int4 11.7 instead of 7.2 (1 thread).
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

template <Width kWidth, int kM, int kN>
CRESCENT_INLINE void add_few_floats(const FewRows& at, const Block& block, const Outs& outs) {
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
      prefetch<kWidth>(w[n].place(group));
      const Wide wide = w[n].at(group);
      for (int j = 0; j < kVectors; ++j)
        for (int m = 0; m < kM; ++m)
          sum[m][n] = fma(load(x + m * kPanelStride + j * kLanes), wide.of[j], sum[m][n]);
    }
  }
  if (groups * kGroup < block.count) add_rest<kWidth, kM, kN>(at, w, block, sum);
  add_all_lanes<kM, kN>(sum, block.begin == 0, outs, at);
}

constexpr int kRoomVectors = int{kRoomGroups} / kLanes;

/// fp16 of some groups as floats, from group `i` * kLanes on; 0 behind the last. In front of the
/// first lies at least one group of numbers, 16 bytes.
CRESCENT_INLINE Floats load_scales(const uint16_t* from, int64_t groups, int i) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  const int64_t behind = greater_of(0, (i + 1) * kLanes - groups);
  const auto eight =
      _mm_loadu_si128((const __m128i_u*)(from + i * kLanes - behind));  // the last of them last
  if (behind == 0) return (Floats)_mm256_cvtph_ps(eight);
  alignas(16) static constexpr unsigned char kShift[32] = {
      0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,
      11,   12,   13,   14,   15,   0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
      0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80};
  const auto places = _mm_loadu_si128((const __m128i_u*)(kShift + 2 * behind));
  return (Floats)_mm256_cvtph_ps(_mm_shuffle_epi8(eight, places));
#else
  alignas(64) float some[kLanes] = {};
  load_halves(from + i * kLanes, less_of(kLanes, groups - i * kLanes), some);
  return load(some);
#endif
}

/// What groups of w and of x are multiplied by, together; and what minimums add, into the sums.
template <Width kWidth, int kM, int kN>
CRESCENT_INLINE void join_scales(const IntegerBlock* x, const uint16_t* const (&halves)[kN],
                                 int64_t groups, int64_t all_groups,
                                 float (&scale)[kM][kN][kRoomGroups], Floats (&sum)[kM][kN]) {
  const auto join = [&](int64_t some) __attribute__((always_inline)) {
#pragma GCC unroll 4
    for (int n = 0; n < kN; ++n) {
      for (int i = 0; i < kRoomVectors && i * kLanes < some; ++i) {
        const Floats scales = load_scales(halves[n], some, i);
        for (int m = 0; m < kM; ++m)
          store(scale[m][n] + i * kLanes, scales * load(x[m].scale + i * kLanes));
        if constexpr (kWidth == Width::int4) {
          const Floats minimums = load_scales(halves[n] + all_groups, some, i);
          for (int m = 0; m < kM; ++m)
            sum[m][n] = fma(minimums, load(x[m].sum + i * kLanes), sum[m][n]);
        }
      }
    }
  };
  // Whole blocks are the rule: with a constant count there is no branch in it.
  if (groups == kBlockGroups) {
    join(kBlockGroups);
  } else {
    join(groups);
  }
}

/// What is loaded of w at a time: a group of int8, or kSides groups of int4.
template <Width kWidth>
struct Whole {
  static constexpr int kParts = kWidth == Width::int4 ? 4 : kGroup / kShorts;
  static constexpr int64_t kGroups = kWidth == Width::int4 ? kSides : 1;
  Shorts of[kParts];

  CRESCENT_INLINE void get(const char* from, int64_t left) {
    if constexpr (kWidth == Width::int4) {
      const Shorts words = load_int4_groups(reinterpret_cast<const unsigned char*>(from), left);
      for (int i = 0; i < kParts; ++i) of[i] = four_bits(words, i);
    } else {
      for (int i = 0; i < kParts; ++i)
        of[i] = shorts_of_int8(reinterpret_cast<const int8_t*>(from) + i * kShorts);
    }
  }
  CRESCENT_INLINE Floats times(const int16_t* x) const {
    Ints sum = {};
    for (int i = 0; i < kParts; ++i)
      sum = plus_pair_products(sum, of[i], load_shorts(x + i * kShorts));
    return floats_of(sum);
  }
};

template <Width kWidth, int kM, int kN>
CRESCENT_INLINE void add_few_integers(const FewRows& at, const Block& block, const Outs& outs) {
  const IntegerBlock* const x = at.integers + (block.begin - at.begin) / kInputsBlock * kM;
  const int64_t all_groups = (at.inputs + kGroup - 1) / kGroup;
  const int64_t groups = (block.count + kGroup - 1) / kGroup, first = block.begin / kGroup;
  const char* w[kN];
  const uint16_t* halves[kN];
  for (int n = 0; n < kN; ++n) {
    w[n] = static_cast<const char*>(from_row(at.w, outs.first + n * outs.apart).data);
    halves[n] = reinterpret_cast<const uint16_t*>(w[n] + all_groups * group_bytes(kWidth)) + first;
    w[n] += first * group_bytes(kWidth);
  }
  Floats sum[kM][kN];
  for (int m = 0; m < kM; ++m)
    for (int n = 0; n < kN; ++n) sum[m][n] = Floats{};
  alignas(64) float scale[kM][kN][kRoomGroups];
  if constexpr (kWidth != Width::int8)
    join_scales<kWidth, kM, kN>(x, halves, groups, all_groups, scale, sum);
  constexpr int64_t kStep = Whole<kWidth>::kGroups;
  for (int64_t g = 0; g < groups; g += kStep) {
    for (int n = 0; n < kN; ++n) {
      const char* const place = w[n] + g * group_bytes(kWidth);
      prefetch<kWidth>(place);
      Whole<kWidth> whole;
      whole.get(place, groups - g);
      for (int m = 0; m < kM; ++m) {
        const Floats by = kWidth == Width::int4   ? spread_sides(scale[m][n] + g)
                          : kWidth == Width::int8 ? all(x[m].scale[g])
                                                  : all(scale[m][n][g]);
        sum[m][n] = fma(whole.times(x[m].x + g * kGroup), by, sum[m][n]);
      }
    }
  }
  add_all_lanes<kM, kN>(sum, block.begin == 0, outs, at);
}

/// sums[m, n] (+)= sum over a block of K of x[m, k] w[n, k].
template <Width kWidth, int kM, int kN>
CRESCENT_INLINE void add_few(const FewRows& at, const Block& block, const Outs& outs) {
  if constexpr (is_integer(kWidth)) add_few_integers<kWidth, kM, kN>(at, block, outs);
  else add_few_floats<kWidth, kM, kN>(at, block, outs);
}

/// Each tile takes its outs a part of them apart, so that w is read in as many streams, which go on
/// from row to row: rows that change with each tile end too soon for the processor to see that they
/// are streams (see tile.h). Sums are added up every kInputsBlock inputs.
template <Width kWidth, int kM>
void stream(const FewRows& at, int64_t outs) {
  constexpr int kN = few_outs(kWidth, kM);
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
