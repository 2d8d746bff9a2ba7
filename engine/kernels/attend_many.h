#pragma once
// Attention of many queries: scores and mixtures as outer products (outer.h), a block of keys and a
// tile of queries at a time. Included by attention_kernel.cpp only.
#include "engine/kernels/outer.h"
#include "engine/kernels/softmax.h"

namespace crescent::kernels::CRESCENT_ISA {

/// Queries of one pass and a block of keys and values, laid out for outer products.
struct ManyQueries {
  static constexpr int64_t kWidthMax = 128;  ///< of a head
  static_assert(kQueriesGrain % kTileRows == 0 && kKeys % kPanel == 0);

  int64_t depth;  ///< D, with what pads it to kRun
  int64_t width;  ///< D, with what pads it to kPanel
  Running running[kQueriesGrain];
  alignas(64) float q[kQueriesGrain * kWidthMax];      // [query][d]
  alignas(64) float mixed[kQueriesGrain * kWidthMax];  // [query][width]
  alignas(64) float k[kKeys * kWidthMax];              // [panel][d][key]
  alignas(64) float v[kKeys * kWidthMax];              // [panel][key][d]
  alignas(64) float rows[kKeys * (kWidthMax + 16)];    // of keys or values, as floats
  alignas(64) float scores[kTileRows * kKeys];         // of one tile; then probabilities
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
  for (int64_t i = 0; i < kKeys; i += kPanel)
    turn_panel(keys.at + i * keys.stride, keys.stride, kPanel, job.head_dim,
               pass.k + i * pass.depth);
  const FloatRows values = rows_of_block<kWidth>(job.v, block, job, pass);
  Floats zero{};
  for (int64_t i = 0; i < kKeys; ++i)
    for (int64_t d = 0; d < pass.width; d += kLanes) {
      const Floats value = load(values.at + i * values.stride + d);
      zero += value * 0.0f;
      store(pass.v + d / kPanel * (kKeys * kPanel) + i * kPanel + d % kPanel, value);
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
  const int64_t from = (seen.begin - origin) / kPanel * kPanel;
  const int64_t to = (seen.end - origin + kPanel - 1) / kPanel * kPanel;
  for (int64_t i = from; i < to; i += kPanel)
    add_some<ManyQueries::kWidthMax>(rows, pass.q + first * ManyQueries::kWidthMax,
                                     pass.k + i * pass.depth, pass.depth,
                                     Sums{pass.scores + i, kKeys, true});
  float* const mixed = pass.mixed + first * pass.width;
  for (int64_t m = 0; m < rows; ++m) {
    float* const scores = pass.scores + m * kKeys;
    const Keys mine = common(block, keys_of(job, begin + first + m));
    if (mine.begin >= mine.end) {
      fill_zeros(scores + from, to - from);
      continue;
    }
    soften(job, begin + first + m, mine, scores, pass.running[first + m], mixed + m * pass.width);
    const int64_t behind = (mine.end - origin + kLanes - 1) / kLanes * kLanes;
    fill_zeros(scores + from, (mine.begin - origin) / kLanes * kLanes - from);
    fill_zeros(scores + behind, to - behind);
  }
  const int64_t keys = (seen.end - origin - from + kRun - 1) / kRun * kRun;
  for (int64_t d = 0; d < pass.width; d += kPanel)
    add_some<kKeys>(rows, pass.scores + from, pass.v + d * kKeys + from * kPanel, keys,
                    Sums{mixed + d, pass.width, false});
}

/// At most kQueriesGrain queries, of heads at most ManyQueries::kWidthMax wide. @return false if it
/// can't be done, as a value is not finite: times a probability of 0 it would be none
template <Width kWidth>
bool attend_many(const Attention& job, int64_t begin, int64_t count, ManyQueries& pass) {
  pass.depth = (job.head_dim + kRun - 1) / kRun * kRun;
  pass.width = (job.head_dim + kPanel - 1) / kPanel * kPanel;
  for (int64_t m = 0; m < count; ++m) {
    float* const q = pass.q + m * ManyQueries::kWidthMax;
    copy_row(job.q + (begin + m) * job.q_stride, job.head_dim, q);
    for (int64_t d = job.head_dim; d < pass.depth; ++d) q[d] = 0;
  }
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
