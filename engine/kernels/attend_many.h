#pragma once
// Attention of many queries: scores and mixtures as outer products (many.h), a block of keys and a
// tile of queries at a time. Included by attention_kernel.cpp only.
#include "engine/kernels/many.h"
#include "engine/kernels/softmax.h"

namespace crescent::kernels::CRESCENT_ISA {

/// Queries of one pass and a block of keys and values, laid out for outer products.
struct ManyQueries {
  static constexpr int64_t kWidthMax = 128;  ///< of a head
  static constexpr int64_t kTiles = kQueriesGrain / kTileRows;
  static_assert(kQueriesGrain % kTileRows == 0 && kKeys % kPanelOuts == 0);

  int64_t depth;  ///< D, with what pads it to kRun
  int64_t width;  ///< D, with what pads it to kPanelOuts
  Running running[kQueriesGrain];
  alignas(64) float q[kTiles * kTileRows * kWidthMax];  // [tile][d / 4][query][d % 4]
  alignas(64) float mixed[kQueriesGrain * kWidthMax];  // [query][width]
  alignas(64) float k[kKeys * kWidthMax];              // [panel][d][key]
  alignas(64) float v[kKeys * kWidthMax];              // [panel][key][d]
  alignas(64) float rows[kKeys * (kWidthMax + 16)];    // of keys or values, as floats
  alignas(64) float scores[kTileRows * kKeys];         // of one tile
  alignas(64) float probabilities[kTileRows * kKeys];  // [key / 4][query][key % 4]
};

/// A multiple of kLanes of them.
CRESCENT_INLINE void fill_zeros(float* to, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) store(to + i, Floats{});
}

/// Rows of floats.
struct FloatRows {
  const float* at;
  int64_t stride;
};

/// A block's keys or values as floats, where they lie if they are whole there: all of the block, as
/// wide as `pass.width`; else copied, and what is not there is 0. The copies' stride is no multiple
/// of 4 KiB, at which rows would share a few sets of the first cache.
template <Width kWidth>
FloatRows rows_of_block(const Stored& from, Keys block, const Attention& job, ManyQueries& pass) {
  const int64_t origin = block.begin / kKeys * kKeys;
  if (kWidth == Width::fp32 && block.end - block.begin == kKeys && pass.width == job.head_dim)
    return {static_cast<const float*>(from_row(from, origin).data),
            from.stride / int64_t{sizeof(float)}};
  constexpr int64_t kStride = ManyQueries::kWidthMax + 16;
  for (int64_t i = 0; i < kKeys; ++i) {
    float* const to = pass.rows + i * kStride;
    const int64_t key = origin + i;
    int64_t d = 0;
    if (key >= block.begin && key < block.end) {
      const Row<kWidth> row(from, key);
      for (; d + kLanes <= job.head_dim; d += kLanes) store(to + d, row.at(d));
      if (d < job.head_dim) {
        store(to + d, row.first_at(d, job.head_dim - d));
        d += kLanes;
      }
    }
    for (; d < pass.width; d += kLanes) store(to + d, Floats{});
  }
  return {pass.rows, kStride};
}

/// The block's keys turned, its values as they lie, in panels. @return false if a value is not
/// finite
template <Width kWidth>
bool lay_out_block(const Attention& job, Keys block, ManyQueries& pass) {
  const FloatRows keys = rows_of_block<kWidth>(job.k, block, job, pass);
  for (int64_t i = 0; i < kKeys; i += kPanelOuts)
    turn_panel<Width::fp32>(stored(keys.at + i * keys.stride, keys.stride), kPanelOuts,
                            job.head_dim, {0, job.head_dim}, pass.k + i * pass.depth);
  const FloatRows values = rows_of_block<kWidth>(job.v, block, job, pass);
  Floats zero{};
  for (int64_t i = 0; i < kKeys; ++i)
    for (int64_t d = 0; d < pass.width; d += kLanes) {
      const Floats value = load(values.at + i * values.stride + d);
      zero += value * 0.0f;
      store(pass.v + d / kPanelOuts * (kKeys * kPanelOuts) + i * kPanelOuts + d % kPanelOuts,
            value);
    }
  return sum_of(zero) == 0;
}

/// A tile of queries with a block of keys. A query's results are the same whatever the others of
/// its tile see: what it doesn't see counts with probability 0.
inline void take_tile(const Attention& job, int64_t begin, int64_t count, Keys block,
                      ManyQueries& pass, int64_t tile) {
  const int64_t first = tile * kTileRows, rows = less_of(kTileRows, count - first);
  const Keys seen = common(
      block, {keys_of(job, begin + first).begin, keys_of(job, begin + first + rows - 1).end});
  if (seen.begin >= seen.end) return;
  const int64_t origin = block.begin / kKeys * kKeys;
  const int64_t from = (seen.begin - origin) / kPanelOuts * kPanelOuts;
  const int64_t to = (seen.end - origin + kPanelOuts - 1) / kPanelOuts * kPanelOuts;
  for (int64_t i = from; i < to; i += kPanelOuts)
    add_some(rows, pass.q + tile * (kTileRows * ManyQueries::kWidthMax), pass.k + i * pass.depth, pass.depth,
             Sums{pass.scores + i, kKeys, true});
  float* const mixed = pass.mixed + first * pass.width;
  for (int64_t m = 0; m < rows; ++m) {
    const auto put = [&](int64_t i, Floats p) __attribute__((always_inline)) {
      store_fours(pass.probabilities + (i - from) * kTileRows + m * kRun, kTileRows * kRun, p);
    };
    const Keys mine = common(block, keys_of(job, begin + first + m));
    const int64_t unseen = mine.begin < mine.end ? (mine.begin - origin) / kLanes * kLanes : to;
    for (int64_t i = from; i < unseen; i += kLanes) put(i, Floats{});
    if (unseen == to) continue;
    soften(job, begin + first + m, mine, pass.scores + m * kKeys, pass.running[first + m],
           mixed + m * pass.width, put);
    const int64_t behind = (mine.end - origin + kLanes - 1) / kLanes * kLanes;
    for (int64_t i = behind; i < to; i += kLanes) put(i, Floats{});
  }
  const int64_t keys = (seen.end - origin - from + kRun - 1) / kRun * kRun;
  for (int64_t d = 0; d < pass.width; d += kPanelOuts)
    add_some(rows, pass.probabilities, pass.v + d * kKeys + from * kPanelOuts, keys,
             Sums{mixed + d, pass.width, false});
}

/// At most kQueriesGrain queries, of heads at most ManyQueries::kWidthMax wide. @return false if it
/// can't be done, as a value is not finite: times a probability of 0 it would be none
template <Width kWidth>
bool attend_many(const Attention& job, int64_t begin, int64_t count, ManyQueries& pass) {
  pass.depth = (job.head_dim + kRun - 1) / kRun * kRun;
  pass.width = (job.head_dim + kPanelOuts - 1) / kPanelOuts * kPanelOuts;
  lay_out_rows<ManyQueries::kWidthMax>(job.q + begin * job.q_stride, job.q_stride, count, job.head_dim, pass.q);
  fill_zeros(pass.mixed, count * pass.width);
  for (int64_t m = 0; m < count; ++m) pass.running[m] = {-kInfinity, 0};
  const Keys seen = {keys_of(job, begin).begin, keys_of(job, begin + count - 1).end};
  for (int64_t at = seen.begin / kKeys * kKeys; at < seen.end; at += kKeys) {
    const Keys block = common({at, at + kKeys}, seen);
    if (!lay_out_block<kWidth>(job, block, pass)) return false;
    for (int64_t tile = 0; tile * kTileRows < count; ++tile)
      take_tile(job, begin, count, block, pass, tile);
  }
  for (int64_t m = 0; m < count; ++m)
    finish_row(job, begin + m, pass.running[m], pass.mixed + m * pass.width);
  return true;
}

}  // namespace crescent::kernels::CRESCENT_ISA
