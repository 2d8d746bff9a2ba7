// Causal attention of one head with a running maximum: see attention.h. Compiled once per
// instruction set.
//
// Many queries are outer products: see attend_many.h. Here few of them, and any of heads that are
// too wide for that: one query alone takes the scores of up to 3072 keys first, then the values.
//
// Keys and values that are stored narrower are widened in registers for one query alone, and a
// block at a time into a buffer for several. Every float is multiplied with its scale before
// anything is done with it (the product is exact), so all that follows is the fp32 code's.
#include "engine/kernels/attend_many.h"
#include "engine/kernels/parts.h"

namespace crescent::kernels::CRESCENT_ISA {
namespace {

constexpr int64_t kPassQueries = 96;

/// Queries of one pass: where they, keys and values are read and where mixtures of values grow. Up
/// to kOwnWidth wide all are copies, one row behind the other, unless keys and values lie so
/// anyway: rows of a fused product lie a multiple of 1 KiB apart, and 48 or 64 of them would share
/// a quarter of the first cache's sets. What is stored narrower is copied however wide it is, as
/// many rows at once as there is room for.
struct Pass {
  static constexpr int64_t kOwnWidth = 128;
  static constexpr int64_t kOwnFloats = kKeys * kOwnWidth;
  const float* q;
  int64_t q_stride;
  float* mixed;
  int64_t mixed_stride;
  Stored k, v;  // from first_key on
  int64_t first_key;
  int64_t origin;         // position of scores[.][0]
  int64_t scores_stride;  // a multiple of kKeys: with few queries several blocks wait
  Running running[kPassQueries];
  alignas(64) float scores[kPassQueries * kKeys];  // from soften on: probabilities
  alignas(64) float own_q[kPassQueries * kOwnWidth];
  alignas(64) float own_mixed[kPassQueries * kOwnWidth];
  alignas(64) float own_k[kOwnFloats];
  alignas(64) float own_v[kOwnFloats];
};

/// mixed[m, d] += sum over j in [0, count) of p[m, j] v[j, column + d] for kV whole vectors of d,
/// or for one with `lanes` of them.
template <Width kWidth, int kM, int kV, bool kWhole>
CRESCENT_INLINE void add_values(const float* p, int64_t p_stride, const Stored& v, int64_t column,
                                int64_t count, float* mixed, int64_t mixed_stride, int64_t lanes) {
  Floats sum[kM][kV];
  for (int m = 0; m < kM; ++m)
    for (int d = 0; d < kV; ++d) {
      const float* const from = mixed + m * mixed_stride + d * kLanes;
      sum[m][d] = kWhole ? load(from) : load_first(from, lanes);
    }
  for (int64_t j = 0; j < count; ++j) {
    const Row<kWidth> row(v, j);
    Floats weight[kM];
    for (int m = 0; m < kM; ++m) weight[m] = all(p[m * p_stride + j]);
    for (int d = 0; d < kV; ++d) {
      const Floats value = kWhole ? row.at(column + d * kLanes) : row.first_at(column, lanes);
      for (int m = 0; m < kM; ++m) sum[m][d] = fma(weight[m], value, sum[m][d]);
    }
  }
  for (int m = 0; m < kM; ++m)
    for (int d = 0; d < kV; ++d) {
      float* const to = mixed + m * mixed_stride + d * kLanes;
      if constexpr (kWhole) {
        store(to, sum[m][d]);
      } else {
        store_first(to, sum[m][d], lanes);
      }
    }
}

/// The whole width of kM queries of the pass, from `m` on, that see the same keys.
template <Width kWidth, int kM>
void add_values_of(const Attention& job, Pass& pass, int64_t m, Keys keys) {
  if (keys.begin >= keys.end) return;
  const int64_t p_stride = pass.scores_stride;
  const float* const p = pass.scores + m * p_stride + (keys.begin - pass.origin);
  const Stored v = from_row(pass.v, keys.begin - pass.first_key);
  const int64_t count = keys.end - keys.begin, stride = pass.mixed_stride;
  float* const mixed = pass.mixed + m * stride;
  int64_t d = 0;
  if constexpr (kM == 1)  // all of a row at once, so that values are one stream
    for (; d + 8 * kLanes <= job.head_dim; d += 8 * kLanes)
      add_values<kWidth, kM, 8, true>(p, p_stride, v, d, count, mixed + d, stride, kLanes);
  for (; d + 4 * kLanes <= job.head_dim; d += 4 * kLanes)
    add_values<kWidth, kM, 4, true>(p, p_stride, v, d, count, mixed + d, stride, kLanes);
  for (; d + kLanes <= job.head_dim; d += kLanes)
    add_values<kWidth, kM, 1, true>(p, p_stride, v, d, count, mixed + d, stride, kLanes);
  if (d < job.head_dim)
    add_values<kWidth, kM, 1, false>(p, p_stride, v, d, count, mixed + d, stride, job.head_dim - d);
}

/// kM neighbouring queries: each alone where only it sees a key, together in between. Every query
/// takes its keys in order either way.
template <Width kWidth, int kM>
void mix(const Attention& job, Pass& pass, int64_t begin, int64_t m, Keys block) {
  Keys mine[kM], together = block;
  for (int i = 0; i < kM; ++i) {
    mine[i] = common(block, keys_of(job, begin + m + i));
    together = common(together, mine[i]);
  }
  if (together.begin >= together.end) together = {block.end, block.end};
  for (int i = 0; i < kM; ++i)
    add_values_of<kWidth, 1>(job, pass, m + i,
                             {mine[i].begin, less_of(mine[i].end, together.begin)});
  add_values_of<kWidth, kM>(job, pass, m, together);
  for (int i = 0; i < kM; ++i)
    add_values_of<kWidth, 1>(job, pass, m + i,
                             {greater_of(mine[i].begin, together.end), mine[i].end});
}

/// Queries begin .. begin + count.
void start(const Attention& job, int64_t begin, int64_t count, Pass& pass) {
  pass.q = job.q + begin * job.q_stride;
  pass.q_stride = job.q_stride;
  pass.mixed = job.y + begin * job.y_stride;
  pass.mixed_stride = job.y_stride;
  pass.k = job.k, pass.v = job.v;
  pass.first_key = 0;
  if (job.head_dim <= Pass::kOwnWidth && count > 1) {
    for (int64_t m = 0; m < count; ++m)
      copy_row(pass.q + m * pass.q_stride, job.head_dim, pass.own_q + m * job.head_dim);
    pass.q = pass.own_q;
    pass.mixed = pass.own_mixed;
    pass.q_stride = pass.mixed_stride = job.head_dim;
  }
  for (int64_t m = 0; m < count; ++m) {
    pass.running[m] = {-kInfinity, 0};
    float* const mixed = pass.mixed + m * pass.mixed_stride;
    for (int64_t d = 0; d < job.head_dim; ++d) mixed[d] = 0;
  }
}

/// q.k of fp32 keys with the queries that may see them.
void score(const Attention& job, int64_t begin, int64_t count, Keys keys, Pass& pass) {
  constexpr int64_t kTogether = 16;  // keys that are computed from the same query on
  const Stored k = from_row(pass.k, keys.begin - pass.first_key);
  Corner at = {pass.q,
               pass.q_stride,
               static_cast<const float*>(k.data),
               k.stride / int64_t{sizeof(float)},
               pass.scores,
               pass.scores_stride};
  at.sums += keys.begin - pass.origin;
  if (count == 1) return add_streams(at, 1, keys.end - keys.begin, job.head_dim, job.head_dim);
  for (int64_t key = keys.begin; key < keys.end; key += kTogether) {
    const int64_t first = greater_of(0, key - (job.first_position + begin)) / kRows * kRows;
    Corner from = at;
    from.x += first * at.x_stride;
    from.sums += first * at.sums_stride;
    add_columns(from, count - first, less_of(kTogether, keys.end - key), job.head_dim, true);
    at.w += kTogether * at.w_stride;
    at.sums += kTogether;
  }
}

/// The pass's one query with kN keys, `apart` from each other. The sums of tile.h's tiles.
template <Width kWidth, int kN>
CRESCENT_INLINE void score_narrow(const Attention& job, Pass& pass, int64_t key, int64_t apart) {
  const auto row = [&](int n) __attribute__((always_inline)) {
    return Row<kWidth>(pass.k, key - pass.first_key + (n < kN ? n : 0) * apart);
  };
  const Row<kWidth> k[4] = {row(0), row(1), row(2), row(3)};
  Floats sum[4] = {};
  int64_t d = 0;
  for (; d + kLanes <= job.head_dim; d += kLanes)
    for (int n = 0; n < kN; ++n) sum[n] = fma(load(pass.q + d), k[n].at(d), sum[n]);
  if (const int64_t lanes = job.head_dim - d; lanes > 0)
    for (int n = 0; n < kN; ++n)
      sum[n] = fma(load_first(pass.q + d, lanes), k[n].first_at(d, lanes), sum[n]);
  const Four made = sums_of(sum[0], sum[1], sum[2], sum[3]);
  for (int n = 0; n < kN; ++n) pass.scores[key - pass.origin + n * apart] = made[n];
}

/// In four streams of keys: see add_streams in tile.h.
template <Width kWidth>
void score_narrow(const Attention& job, Keys keys, Pass& pass) {
  const int64_t apart = (keys.end - keys.begin) / 4;
  for (int64_t i = 0; i < apart; ++i) score_narrow<kWidth, 4>(job, pass, keys.begin + i, apart);
  for (int64_t key = keys.begin + 4 * apart; key < keys.end; ++key)
    score_narrow<kWidth, 1>(job, pass, key, 1);
}

/// Probabilities of a block of keys, whose scores are there.
void soften_block(const Attention& job, int64_t begin, int64_t count, Keys block, Pass& pass) {
  float* const scores = pass.scores + (block.begin / kKeys * kKeys - pass.origin);
  for (int64_t m = 0; m < count; ++m) {
    const Keys seen = common(block, keys_of(job, begin + m));
    if (seen.begin < seen.end)
      soften(job, begin + m, seen, scores + m * pass.scores_stride, pass.running[m],
             pass.mixed + m * pass.mixed_stride);
  }
}

/// Values of a block, or a part of one, whose probabilities are there.
template <Width kWidth>
void mix_block(const Attention& job, int64_t begin, int64_t count, Keys block, Pass& pass) {
  int64_t m = 0;
  if constexpr (kWidth == Width::fp32)
    for (; m + kRows <= count; m += kRows) mix<kWidth, kRows>(job, pass, begin, m, block);
  for (; m < count; ++m) mix<kWidth, 1>(job, pass, begin, m, block);
}

/// Keys or values to where they are floats, one row behind the other.
template <Width kWidth>
Stored pack(const Stored& from, Keys keys, int64_t width, float* to) {
  for (int64_t key = keys.begin; key < keys.end; ++key) {
    const Row<kWidth> row(from, key);
    float* const y = to + (key - keys.begin) * width;
    int64_t d = 0;
    for (; d + kLanes <= width; d += kLanes) store(y + d, row.at(d));
    if (d < width) store_first(y + d, row.first_at(d, width - d), width - d);
  }
  return stored(to, width);
}

/// The fewer queries they are the more keys' scores come before any value, so that memory is read
/// in long streams.
template <Width kWidth>
void attend_in_place(const Attention& job, int64_t begin, int64_t count, Keys seen, Pass& pass) {
  const int64_t step = pass.scores_stride = kPassQueries / count * kKeys;
  for (int64_t at = seen.begin / kKeys * kKeys; at < seen.end; at += step) {
    const Keys keys = common({at, at + step}, seen);
    pass.origin = at;
    if constexpr (kWidth == Width::fp32) {
      score(job, begin, count, keys, pass);
    } else {
      score_narrow<kWidth>(job, keys, pass);
    }
    for (int64_t block = at; block < keys.end; block += kKeys) {
      const Keys here = common({block, block + kKeys}, keys);
      soften_block(job, begin, count, here, pass);
      mix_block<kWidth>(job, begin, count, here, pass);
    }
  }
}

/// A block of keys and values at a time; of very wide ones, a part of it.
template <Width kWidth>
void attend_packed(const Attention& job, int64_t begin, int64_t count, Keys seen, Pass& pass) {
  const int64_t at_once = less_of(kKeys, Pass::kOwnFloats / job.head_dim);
  pass.scores_stride = kKeys;
  for (int64_t at = seen.begin / kKeys * kKeys; at < seen.end; at += kKeys) {
    const Keys block = common({at, at + kKeys}, seen);
    pass.origin = at;
    const auto each_part = [&](auto take) {
      for (int64_t key = block.begin; key < block.end; key += at_once) {
        pass.first_key = key;
        take(common({key, key + at_once}, block));
      }
    };
    each_part([&](Keys part) {
      pass.k = pack<kWidth>(job.k, part, job.head_dim, pass.own_k);
      score(job, begin, count, part, pass);
    });
    soften_block(job, begin, count, block, pass);
    each_part([&](Keys part) {
      pass.v = pack<kWidth>(job.v, part, job.head_dim, pass.own_v);
      mix_block<Width::fp32>(job, begin, count, part, pass);
    });
  }
}

/// At most kPassQueries queries; one, of keys wider than there is room for elsewhere.
template <Width kWidth>
void attend_few(const Attention& job, int64_t begin, int64_t count, Pass& pass) {
  start(job, begin, count, pass);
  const Keys seen = {keys_of(job, begin).begin, keys_of(job, begin + count - 1).end};
  if (kWidth != Width::fp32 && count > 1) {
    attend_packed<kWidth>(job, begin, count, seen, pass);
  } else {
    attend_in_place<kWidth>(job, begin, count, seen, pass);
  }
  for (int64_t m = 0; m < count; ++m)
    finish_row(job, begin + m, pass.running[m], pass.mixed + m * pass.mixed_stride);
}

template <Width kWidth>
__attribute__((noinline)) void attend_all_few(const Attention& job, Rows queries) {
  Pass pass;
  const bool is_too_wide = kWidth != Width::fp32 && job.head_dim > Pass::kOwnFloats;
  const int64_t grain = is_too_wide ? 1 : kPassQueries;
  for (int64_t query = queries.begin; query < queries.end; query += grain)
    attend_few<kWidth>(job, query, less_of(grain, queries.end - query), pass);
}

/// @return the first query that is still to be done
template <Width kWidth>
__attribute__((noinline)) int64_t attend_all_many(const Attention& job, Rows queries) {
  ManyQueries pass;
  int64_t query = queries.begin;
  for (; query < queries.end; query += kQueriesGrain)
    if (!attend_many<kWidth>(job, query, less_of(kQueriesGrain, queries.end - query), pass)) break;
  return query;
}

/// Both at once would take twice the stack.
template <Width kWidth>
void attend_all(const Attention& job, Rows queries) {
  if (queries.end - queries.begin > kFewQueries && job.head_dim <= ManyQueries::kWidthMax)
    queries.begin = attend_all_many<kWidth>(job, queries);
  attend_all_few<kWidth>(job, queries);
}

}  // namespace

void attend(const Attention& job, Rows queries) {
  if (job.k.width == Width::bf16) return attend_all<Width::bf16>(job, queries);
  if (job.k.width == Width::int8) return attend_all<Width::int8>(job, queries);
  attend_all<Width::fp32>(job, queries);
}

}  // namespace crescent::kernels::CRESCENT_ISA
