#include "engine/kernels/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>

#include "engine/team.h"
#include "tests/engine/kernels/narrowed.h"

namespace crescent::kernels {
namespace {

const int64_t kHeadDims[] = {4, 24, 64, 80, 7};
const int64_t kPositions[] = {1, 2, 63, 64, 65, 300};

struct Choice {
  int64_t window;
  float slope;
};
const Choice kChoices[] = {{0, 0}, {1, 0}, {5, 0.25f}, {64, 0}, {100, 0.5f}, {1000, 0}};

constexpr Width kWidths[] = {Width::fp32, Width::bf16, Width::int8};

std::vector<float> floats_of(const Stored& rows, int64_t row, int64_t width) {
  std::vector<float> floats(static_cast<size_t>(width));
  dequantize(rows, width, row, floats.data());
  return floats;
}

/// Softmax over what the query sees, in fp64; 0 elsewhere.
std::vector<double> softmax_plainly(const Attention& job, int64_t query) {
  const int64_t position = job.first_position + query;
  std::vector<double> p(static_cast<size_t>(position) + 1, -HUGE_VAL);
  double most = -HUGE_VAL, sum = 0;
  for (int64_t j = 0; j <= position; ++j) {
    if (job.window > 0 && j <= position - job.window) continue;
    const std::vector<float> key = floats_of(job.k, j, job.head_dim);
    double score = 0;
    for (int64_t d = 0; d < job.head_dim; ++d)
      score += double{job.q[query * job.q_stride + d]} * key[static_cast<size_t>(d)];
    score = score * job.scale + job.slope * static_cast<double>(j - position);
    most = std::max(most, p[static_cast<size_t>(j)] = score);
  }
  for (double& x : p) sum += x = std::exp(x - most);
  for (double& x : p) x /= sum;
  return p;
}

/// sum over j of p[j] v[j]
std::vector<double> mixed_plainly(const Attention& job, const std::vector<double>& p) {
  std::vector<double> y(static_cast<size_t>(job.head_dim));
  for (size_t j = 0; j < p.size(); ++j) {
    const std::vector<float> value = floats_of(job.v, static_cast<int64_t>(j), job.head_dim);
    for (size_t d = 0; d < y.size(); ++d) y[d] += p[j] * value[d];
  }
  return y;
}

/// Queries, keys and values of one head, side by side in a row as a fused product leaves them; or,
/// `narrow`, with keys and values elsewhere.
struct Head {
  Head(int64_t positions, int64_t head_dim, const Choice& choice = {0, 0})
      : positions(positions), rows(positions * (3 * head_dim + 5)), y(positions * head_dim, -7) {
    rows.fill(static_cast<uint32_t>(positions), 1.5f);
    const int64_t stride = 3 * head_dim + 5;
    job = {.q = rows.data(),
           .q_stride = stride,
           .k = stored(rows.data() + head_dim, stride),
           .v = stored(rows.data() + 2 * head_dim, stride),
           .y = y.data(),
           .y_stride = head_dim,
           .head_dim = head_dim,
           .scale = 1 / std::sqrt(static_cast<float>(head_dim)),
           .slope = choice.slope,
           .window = choice.window};
  }

  /// Keys or values as they would stand in a cache of `count` positions.
  std::unique_ptr<Narrowed> copy(const Stored& side, Width width, int64_t count) const {
    std::vector<float> dense;
    for (int64_t j = 0; j < count; ++j) {
      const std::vector<float> row = floats_of(side, j, job.head_dim);
      dense.insert(dense.end(), row.begin(), row.end());
    }
    return std::make_unique<Narrowed>(width, dense.data(),
                                      Narrowed::Shape{.rows = count, .inputs = job.head_dim});
  }
  Head& narrow(Width width) {
    if (width == Width::fp32) return *this;
    k = copy(job.k, width, positions), v = copy(job.v, width, positions);
    job.k = k->stored(), job.v = v->stored();
    return *this;
  }

  int64_t positions;
  Fenced rows, y;
  std::unique_ptr<Narrowed> k, v;
  Attention job;
};

void expect_plain_results(Isa isa, Head& head) {
  const int64_t head_dim = head.job.head_dim;
  kernels_for(isa).attend(head.job, {0, head.positions});
  for (int64_t query = 0; query < head.positions; query += 1 + query / 40) {
    const auto plain = mixed_plainly(head.job, softmax_plainly(head.job, query));
    for (int64_t d = 0; d < head_dim; ++d)
      ASSERT_NEAR(head.y[query * head_dim + d], plain[static_cast<size_t>(d)], 5e-6)
          << query << ", " << d;
  }
  ASSERT_TRUE(head.y.intact());
}

TEST(Attend, AgreesWithThePlainSoftmaxForAnyLengthWindowSlopeAndWidth) {
  for (Isa isa : available())
    for (const Width width : kWidths)
      for (const int64_t positions : kPositions)
        for (const int64_t head_dim : kHeadDims)
          for (const Choice& choice : kChoices) {
            SCOPED_TRACE(testing::Message()
                         << name_of(isa) << ", " << name_of(width) << " " << positions << " x "
                         << head_dim << ", window " << choice.window);
            Head head(positions, head_dim, choice);
            expect_plain_results(isa, head.narrow(width));
          }
}

/// One query a call, keys and values in a cache of exactly its length.
void expect_same_bits_from_caches(const Kernels& kernels, const Head& few, const Head& many) {
  const int64_t head_dim = few.job.head_dim;
  for (const int64_t positions : kPositions) {
    const auto k = few.copy(few.job.k, few.job.k.width, positions);
    const auto v = few.copy(few.job.v, few.job.k.width, positions);
    Fenced y(head_dim);
    Attention one = few.job;
    one.q += (positions - 1) * one.q_stride;
    one.k = k->stored(), one.v = v->stored(), one.y = y.data();
    one.first_position = positions - 1;
    kernels.attend(one, {0, 1});
    for (int64_t d = 0; d < head_dim; ++d)
      ASSERT_EQ(y[d], few.y[(positions - 1) * head_dim + d]) << positions;
    ASSERT_TRUE(k->intact() && v->intact());
    if (positions < few.positions) continue;
    Fenced all(positions * head_dim, 9);
    Attention cached = few.job;
    cached.k = k->stored(), cached.v = v->stored(), cached.y = all.data();
    kernels.attend(cached, {0, positions});
    ASSERT_TRUE(all.same_bits(many.y));
  }
}

TEST(Attend, GivesAQueryTheSameBitsInAnyTileAndFromACache) {
  constexpr int64_t kAll = 300;
  for (Isa isa : available())
    for (const Width width : kWidths)
      for (const int64_t head_dim : kHeadDims)
        for (const Choice& choice : kChoices) {
          SCOPED_TRACE(testing::Message()
                       << name_of(isa) << ", " << name_of(width) << ", " << head_dim);
          const Kernels& kernels = kernels_for(isa);
          Head many(kAll, head_dim, choice), few(kAll, head_dim, choice);
          Head parts(kAll, head_dim, choice), alone(kAll, head_dim, choice);
          many.narrow(width), few.narrow(width), parts.narrow(width), alone.narrow(width);
          kernels.attend(many.job, {0, kAll});
          for (int64_t begin = 0, size = 9; begin < kAll; begin += size, size = size % 7 + 9)
            kernels.attend(parts.job, {begin, kAll - begin < 25 ? kAll : begin + size});
          ASSERT_TRUE(parts.y.same_bits(many.y));
          for (int64_t begin = 0, size = 1; begin < kAll; begin += size, size = size % 7 + 1)
            kernels.attend(few.job, {begin, std::min(kAll, begin + size)});
          for (int64_t query = 0; query < kAll; ++query)
            kernels.attend(alone.job, {query, query + 1});
          ASSERT_TRUE(alone.y.same_bits(few.y));
          ASSERT_NO_FATAL_FAILURE(expect_same_bits_from_caches(kernels, few, many));
        }
}

TEST(Attend, GivesFromNarrowKeysAndValuesTheBitsOfTheFloatsThatTheyStandFor) {
  // 130 to 300: wider than what is copied of fp32; 9000: than what is widened at once.
  for (const int64_t head_dim : {4, 7, 24, 64, 80, 130, 256, 300, 9000}) {
    const int64_t positions = head_dim > 1000 ? 70 : 200;
    for (Isa isa : available())
      for (const Width width : {Width::bf16, Width::int8})
        for (const Choice& choice : {Choice{0, 0}, Choice{70, 0.25f}}) {
          Head narrow(positions, head_dim, choice), wide(positions, head_dim, choice);
          narrow.narrow(width);
          const auto k = narrow.copy(narrow.job.k, Width::fp32, positions);
          const auto v = narrow.copy(narrow.job.v, Width::fp32, positions);
          wide.job.k = k->stored(), wide.job.v = v->stored();
          kernels_for(isa).attend(wide.job, {0, positions});
          kernels_for(isa).attend(narrow.job, {0, positions});
          ASSERT_TRUE(narrow.y.same_bits(wide.y))
              << name_of(isa) << ", " << name_of(width) << ", " << head_dim;
          for (int64_t query = 0; query < positions; query += 13) {
            kernels_for(isa).attend(narrow.job, {query, query + 1});
            kernels_for(isa).attend(wide.job, {query, query + 1});
          }
          ASSERT_TRUE(narrow.y.same_bits(wide.y))
              << name_of(isa) << ", " << name_of(width) << ", " << head_dim;
        }
  }
}

TEST(Attend, GivesTheSameBitsHoweverThreadsSplitTheQueries) {
  for (Isa isa : available())
    for (const Width width : kWidths)
      for (const int size : {1, 2, 3}) {
        Head whole(230, 64), split(230, 64);
        whole.narrow(width), split.narrow(width);
        kernels_for(isa).attend(whole.job, {0, 230});
        make_thread_team(size)->run([&](const Rank& rank) {
          const Range queries = share_of(230, rank, kQueriesGrain);
          kernels_for(isa).attend(split.job, {queries.begin, queries.end});
        });
        EXPECT_TRUE(split.y.same_bits(whole.y)) << name_of(isa) << ", " << size << " threads";
      }
}

TEST(Attend, LetsNothingOfALaterOrForgottenTokenThrough) {
  constexpr int64_t kAll = 140, kWindow = 20, kBad = 70;
  for (Isa isa : available())
    for (const Width width : kWidths)
      for (const int64_t side : {1, 2}) {  // the key or the value alone
        Head clean(kAll, 24, {kWindow, 0}), dirty(kAll, 24, {kWindow, 0});
        for (int64_t d = side * 24; d < (side + 1) * 24; ++d)
          dirty.rows[kBad * dirty.job.q_stride + d] = std::numeric_limits<float>::quiet_NaN();
        clean.narrow(width), dirty.narrow(width);
        kernels_for(isa).attend(clean.job, {0, kAll});
        kernels_for(isa).attend(dirty.job, {0, kAll});
        for (int64_t query = 0; query < kAll; ++query)
          for (int64_t d = 0; d < 24; ++d) {
            const float y = dirty.y[query * 24 + d];
            if (query >= kBad && query < kBad + kWindow) {
              EXPECT_TRUE(std::isnan(y)) << name_of(isa) << ", " << query;
            } else {
              EXPECT_NEAR(y, clean.y[query * 24 + d], 5e-6) << name_of(isa) << ", " << query;
            }
          }
      }
}

TEST(Attend, HandsOutTheProbabilitiesAndTheSameResult) {
  for (Isa isa : available())
    for (const Choice& choice : kChoices) {
      constexpr int64_t kFirst = 61, kQueries = 80, kKeys = kFirst + kQueries;
      const Width width = kWidths[choice.window % 3];
      Head with(kKeys, 24, choice), without(kKeys, 24, choice);
      with.narrow(width), without.narrow(width);
      Fenced p(kQueries * (kKeys + 2), -7);
      for (Head* head : {&with, &without}) {
        head->job.q += kFirst * head->job.q_stride;
        head->job.first_position = kFirst;
      }
      with.job.probabilities = p.data();
      with.job.probabilities_stride = kKeys + 2;
      with.job.probabilities_width = kKeys;
      kernels_for(isa).attend(with.job, {0, kQueries});
      kernels_for(isa).attend(without.job, {0, kQueries});
      EXPECT_TRUE(with.y.same_bits(without.y));
      for (int64_t query = 0; query < kQueries; ++query) {
        auto plain = softmax_plainly(with.job, query);
        plain.resize(kKeys, 0.0);
        const float* const row = p.data() + query * (kKeys + 2);
        for (int64_t j = 0; j < kKeys; ++j) {
          ASSERT_NEAR(row[j], plain[static_cast<size_t>(j)], 2e-6) << query << ", " << j;
          if (plain[static_cast<size_t>(j)] == 0) {
            ASSERT_EQ(row[j], 0) << query << ", " << j;
          }
        }
        ASSERT_EQ(row[kKeys], -7);
      }
      ASSERT_TRUE(p.intact());
    }
}

TEST(Attend, SurvivesScoresFarApart) {
  for (Isa isa : available()) {
    Head head(100, 8);
    head.job.scale = 1000;
    kernels_for(isa).attend(head.job, {0, 100});
    for (int64_t query = 0; query < 100; ++query) {
      const auto plain = mixed_plainly(head.job, softmax_plainly(head.job, query));
      EXPECT_NEAR(head.y[query * 8], plain[0], 0.01) << name_of(isa) << ", " << query;
    }
  }
}

}  // namespace
}  // namespace crescent::kernels
