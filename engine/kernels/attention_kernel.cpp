// Causal attention of one head with a running maximum: see attention.h. Compiled once per
// instruction set.
//
// Up to 48 queries take a block of 64 keys at a time: their scores (12 KiB), the block's keys and
// values (16 KiB each for D = 64) and the queries' sums, which stand in y itself, stay in the
// second cache.
#include "engine/kernels/parts.h"
#include "engine/kernels/simd.h"
#include "engine/kernels/tile.h"

namespace crescent::kernels::CRESCENT_ISA {
namespace {

constexpr int64_t kKeys = kOutsBlock;  // of a block
constexpr float kInfinity = __builtin_inff();

struct Keys {
  int64_t begin, end;
};

/// What the query sees of all positions.
Keys keys_of(const Attention& job, int64_t query) {
  const int64_t end = job.first_position + query + 1;
  return {job.window > 0 && end > job.window ? end - job.window : 0, end};
}

Keys common(Keys a, Keys b) { return {greater_of(a.begin, b.begin), less_of(a.end, b.end)}; }

/// Queries of one pass and how far each is.
struct Pass {
  float most[kQueriesGrain];
  float sum[kQueriesGrain];
  float scores[kQueriesGrain * kKeys];  // from softmax on: probabilities, not yet divided
};

void scale_row(float* row, int64_t count, float factor) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(row + i, load(row + i) * factor);
  if (i < count) store_first(row + i, load_first(row + i, count - i) * factor, count - i);
}

/// Turns a query's scores of this block into probabilities relative to its maximum so far.
/// @param seen  in the block, not empty
void soften(const Attention& job, int64_t query, Keys seen, float* scores, float& most, float& sum,
            float* y) {
  const int64_t begin = seen.begin / kKeys * kKeys;  // the position of scores[0]
  const int64_t first = seen.begin - begin, last = seen.end - begin;
  const int64_t vectors_begin = first / kLanes * kLanes;
  const int64_t vectors_end = (last + kLanes - 1) / kLanes * kLanes;
  const auto distance = static_cast<float>(begin - (job.first_position + query));
  for (int64_t i = first; i < last; ++i) {
    scores[i] *= job.scale;
    if (job.slope != 0) scores[i] += job.slope * (distance + static_cast<float>(i));
  }
  for (int64_t i = vectors_begin; i < first; ++i) scores[i] = -kInfinity;
  for (int64_t i = last; i < vectors_end; ++i) scores[i] = -kInfinity;
  if (job.probabilities)
    for (int64_t i = first; i < last; ++i)
      job.probabilities[query * job.probabilities_stride + begin + i] = scores[i];

  Floats greatest = all(most);
  for (int64_t i = vectors_begin; i < vectors_end; i += kLanes)
    greatest = greater_of(load(scores + i), greatest);
  const float now = greatest_of(greatest);
  if (now > most) {
    const float factor = exp_of(all(most - now))[0];
    scale_row(y, job.head_dim, factor);
    sum *= factor;
    most = now;
  }
  Floats total{};
  for (int64_t i = vectors_begin; i < vectors_end; i += kLanes) {
    const Floats p = exp_of(load(scores + i) - most);
    store(scores + i, p);
    total += p;
  }
  sum += sum_of(total);
}

/// y[m, d] += sum over j in [0, count) of p[m, j] v[j, d] for kV vectors of d, the last of `lanes`.
template <int kM, int kV>
CRESCENT_INLINE void add_values(const Attention& job, const float* p, const float* v, int64_t count,
                                float* y, int64_t lanes) {
  const auto get = [&](const float* from, int vector) __attribute__((always_inline)) {
    return vector < kV - 1 || lanes == kLanes ? load(from + vector * kLanes)
                                              : load_first(from + vector * kLanes, lanes);
  };
  Floats sum[kM][kV];
  for (int m = 0; m < kM; ++m)
    for (int d = 0; d < kV; ++d) sum[m][d] = get(y + m * job.y_stride, d);
  for (int64_t j = 0; j < count; ++j, v += job.v_stride) {
    Floats weight[kM];
    for (int m = 0; m < kM; ++m) weight[m] = all(p[m * kKeys + j]);
    for (int d = 0; d < kV; ++d) {
      const Floats value = get(v, d);
      for (int m = 0; m < kM; ++m) sum[m][d] = fma(weight[m], value, sum[m][d]);
    }
  }
  for (int m = 0; m < kM; ++m)
    for (int d = 0; d < kV; ++d) {
      float* const to = y + m * job.y_stride + d * kLanes;
      if (d < kV - 1 || lanes == kLanes) {
        store(to, sum[m][d]);
      } else {
        store_first(to, sum[m][d], lanes);
      }
    }
}

/// The whole width of kM queries that see the same keys.
template <int kM>
void add_values_of(const Attention& job, const float* p, Keys keys, float* y) {
  const float* const v = job.v + keys.begin * job.v_stride;
  const int64_t count = keys.end - keys.begin;
  p += keys.begin % kKeys;
  int64_t d = 0;
  for (; d + 4 * kLanes <= job.head_dim; d += 4 * kLanes)
    add_values<kM, 4>(job, p, v + d, count, y + d, kLanes);
  for (; d + 2 * kLanes <= job.head_dim; d += 2 * kLanes)
    add_values<kM, 2>(job, p, v + d, count, y + d, kLanes);
  for (; d < job.head_dim; d += kLanes)
    add_values<kM, 1>(job, p, v + d, count, y + d, less_of(kLanes, job.head_dim - d));
}

/// kM neighbouring queries: each alone where only it sees a key, together in between. Every query
/// takes its keys in order either way.
template <int kM>
void mix(const Attention& job, int64_t query, Keys block, const float* p) {
  float* const y = job.y + query * job.y_stride;
  Keys together = block;
  for (int m = 0; m < kM; ++m) together = common(together, keys_of(job, query + m));
  if (together.begin >= together.end) together = {block.end, block.end};
  for (int m = 0; m < kM; ++m) {
    const Keys mine = common(block, keys_of(job, query + m));
    const Keys before = {mine.begin, less_of(mine.end, together.begin)};
    if (before.begin < before.end)
      add_values_of<1>(job, p + m * kKeys, before, y + m * job.y_stride);
  }
  if (together.begin < together.end) add_values_of<kM>(job, p, together, y);
  for (int m = 0; m < kM; ++m) {
    const Keys mine = common(block, keys_of(job, query + m));
    const Keys behind = {greater_of(mine.begin, together.end), mine.end};
    if (behind.begin < behind.end)
      add_values_of<1>(job, p + m * kKeys, behind, y + m * job.y_stride);
  }
}

void finish_row(const Attention& job, int64_t query, float most, float sum) {
  scale_row(job.y + query * job.y_stride, job.head_dim, 1 / sum);
  if (!job.probabilities) return;
  float* const row = job.probabilities + query * job.probabilities_stride;
  const Keys seen = keys_of(job, query);
  for (int64_t i = 0; i < seen.begin; ++i) row[i] = 0;
  for (int64_t i = seen.begin; i < seen.end; i += kLanes) {
    const int64_t lanes = less_of(kLanes, seen.end - i);
    if (lanes == kLanes) {
      store(row + i, exp_of(load(row + i) - most) / sum);
    } else {
      store_first(row + i, exp_of(load_first(row + i, lanes) - most) / sum, lanes);
    }
  }
}

/// Queries begin .. begin + count, at most kQueriesGrain of them.
void attend_few(const Attention& job, int64_t begin, int64_t count, Pass& pass) {
  for (int64_t m = 0; m < count; ++m) {
    pass.most[m] = -kInfinity;
    pass.sum[m] = 0;
    float* const y = job.y + (begin + m) * job.y_stride;
    for (int64_t d = 0; d < job.head_dim; ++d) y[d] = 0;
  }
  const Keys all_keys = {keys_of(job, begin).begin, keys_of(job, begin + count - 1).end};
  for (int64_t at = all_keys.begin / kKeys * kKeys; at < all_keys.end; at += kKeys) {
    const Keys block = common({at, at + kKeys}, all_keys);
    add_columns({job.q + begin * job.q_stride, job.q_stride, job.k + block.begin * job.k_stride,
                 job.k_stride, pass.scores + (block.begin - at)},
                count, block.end - block.begin, job.head_dim, true);
    for (int64_t m = 0; m < count; ++m) {
      const Keys seen = common(block, keys_of(job, begin + m));
      if (seen.begin < seen.end)
        soften(job, begin + m, seen, pass.scores + m * kKeys, pass.most[m], pass.sum[m],
               job.y + (begin + m) * job.y_stride);
    }
    int64_t m = 0;
    for (; m + kRows <= count; m += kRows)
      mix<kRows>(job, begin + m, block, pass.scores + m * kKeys);
    for (; m < count; ++m) mix<1>(job, begin + m, block, pass.scores + m * kKeys);
  }
  for (int64_t m = 0; m < count; ++m) finish_row(job, begin + m, pass.most[m], pass.sum[m]);
}

}  // namespace

void attend(const Attention& job, Rows queries) {
  Pass pass;
  for (int64_t query = queries.begin; query < queries.end; query += kQueriesGrain)
    attend_few(job, query, less_of(kQueriesGrain, queries.end - query), pass);
}

}  // namespace crescent::kernels::CRESCENT_ISA
