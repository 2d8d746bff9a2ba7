#include "engine/kernels/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/team.h"
#include "tests/engine/kernels/fenced.h"

namespace crescent::kernels {
namespace {

const int64_t kHeadDims[] = {4, 24, 64, 80, 7};
const int64_t kPositions[] = {1, 2, 63, 64, 65, 300};

struct Choice {
  int64_t window;
  float slope;
};
const Choice kChoices[] = {{0, 0}, {1, 0}, {5, 0.25f}, {64, 0}, {100, 0.5f}, {1000, 0}};

/// Softmax over what the query sees, in fp64; 0 elsewhere.
std::vector<double> softmax_plainly(const Attention& job, int64_t query) {
  const int64_t position = job.first_position + query;
  std::vector<double> p(static_cast<size_t>(position) + 1, -HUGE_VAL);
  double most = -HUGE_VAL, sum = 0;
  for (int64_t j = 0; j <= position; ++j) {
    if (job.window > 0 && j <= position - job.window) continue;
    double score = 0;
    for (int64_t d = 0; d < job.head_dim; ++d)
      score += double{job.q[query * job.q_stride + d]} * job.k[j * job.k_stride + d];
    score = score * job.scale + job.slope * static_cast<double>(j - position);
    most = std::max(most, p[static_cast<size_t>(j)] = score);
  }
  for (double& x : p) sum += x = std::exp(x - most);
  for (double& x : p) x /= sum;
  return p;
}

/// Queries, keys and values of one head, side by side in a row as a fused product leaves them.
struct Head {
  Head(int64_t positions, int64_t head_dim, const Choice& choice = {0, 0})
      : positions(positions), rows(positions * (3 * head_dim + 5)), y(positions * head_dim, -7) {
    rows.fill(static_cast<uint32_t>(positions), 1.5f);
    const int64_t stride = 3 * head_dim + 5;
    job = {.q = rows.data(),
           .q_stride = stride,
           .k = rows.data() + head_dim,
           .k_stride = stride,
           .v = rows.data() + 2 * head_dim,
           .v_stride = stride,
           .y = y.data(),
           .y_stride = head_dim,
           .head_dim = head_dim,
           .scale = 1 / std::sqrt(static_cast<float>(head_dim)),
           .slope = choice.slope,
           .window = choice.window};
  }
  int64_t positions;
  Fenced rows, y;
  Attention job;
};

TEST(Attend, AgreesWithThePlainSoftmaxForAnyLengthWindowAndSlope) {
  for (Isa isa : available())
    for (const int64_t positions : kPositions)
      for (const int64_t head_dim : kHeadDims)
        for (const Choice& choice : kChoices) {
          SCOPED_TRACE(testing::Message() << name_of(isa) << ", " << positions << " x " << head_dim
                                          << ", window " << choice.window);
          Head head(positions, head_dim, choice);
          kernels_for(isa).attend(head.job, {0, positions});
          for (int64_t query = 0; query < positions; query += 1 + query / 40) {
            const auto p = softmax_plainly(head.job, query);
            for (int64_t d = 0; d < head_dim; ++d) {
              double plain = 0;
              for (size_t j = 0; j < p.size(); ++j)
                plain += p[j] * head.job.v[static_cast<int64_t>(j) * head.job.v_stride + d];
              ASSERT_NEAR(head.y[query * head_dim + d], plain, 5e-6) << query << ", " << d;
            }
          }
          ASSERT_TRUE(head.y.intact());
        }
}

TEST(Attend, GivesAQueryTheSameBitsInAnyTileAndFromACache) {
  for (Isa isa : available())
    for (const int64_t head_dim : kHeadDims)
      for (const Choice& choice : kChoices) {
        constexpr int64_t kAll = 300;
        const Kernels& kernels = kernels_for(isa);
        Head whole(kAll, head_dim, choice), parts(kAll, head_dim, choice);
        kernels.attend(whole.job, {0, kAll});
        for (int64_t begin = 0, size = 1; begin < kAll; begin += size, size = size % 7 + 1)
          kernels.attend(parts.job, {begin, std::min(kAll, begin + size)});
        ASSERT_TRUE(parts.y.same_bits(whole.y)) << name_of(isa) << ", " << head_dim;

        // One query a call, keys and values in a cache of exactly its length.
        for (const int64_t positions : kPositions) {
          Fenced k(positions * head_dim), v(positions * head_dim), y(head_dim);
          for (int64_t j = 0; j < positions; ++j)
            for (int64_t d = 0; d < head_dim; ++d) {
              k[j * head_dim + d] = whole.job.k[j * whole.job.k_stride + d];
              v[j * head_dim + d] = whole.job.v[j * whole.job.v_stride + d];
            }
          if (positions == kAll) {
            parts.y.fill(9);
            Attention cached = parts.job;
            cached.k = k.data(), cached.v = v.data();
            cached.k_stride = cached.v_stride = head_dim;
            kernels.attend(cached, {0, kAll});
            ASSERT_TRUE(parts.y.same_bits(whole.y)) << name_of(isa) << ", " << head_dim;
          }
          Attention one = whole.job;
          one.q += (positions - 1) * one.q_stride;
          one.k = k.data(), one.v = v.data(), one.y = y.data();
          one.k_stride = one.v_stride = head_dim;
          one.first_position = positions - 1;
          kernels.attend(one, {0, 1});
          for (int64_t d = 0; d < head_dim; ++d)
            ASSERT_EQ(y[d], whole.y[(positions - 1) * head_dim + d])
                << name_of(isa) << ", " << positions << " x " << head_dim;
        }
      }
}

TEST(Attend, GivesTheSameBitsHoweverThreadsSplitTheQueries) {
  for (Isa isa : available())
    for (const int size : {1, 2, 3}) {
      Head whole(200, 64), split(200, 64);
      kernels_for(isa).attend(whole.job, {0, 200});
      make_thread_team(size)->run([&](const Rank& rank) {
        const Range queries = share_of(200, rank, kQueriesGrain);
        kernels_for(isa).attend(split.job, {queries.begin, queries.end});
      });
      EXPECT_TRUE(split.y.same_bits(whole.y)) << name_of(isa) << ", " << size << " threads";
    }
}

TEST(Attend, LetsNothingOfALaterOrForgottenTokenThrough) {
  constexpr int64_t kAll = 140, kWindow = 20, kBad = 70;
  for (Isa isa : available()) {
    Head clean(kAll, 24, {kWindow, 0}), dirty(kAll, 24, {kWindow, 0});
    for (int64_t d = 24; d < 3 * 24; ++d)
      dirty.rows[kBad * dirty.job.q_stride + d] = std::numeric_limits<float>::quiet_NaN();
    kernels_for(isa).attend(clean.job, {0, kAll});
    kernels_for(isa).attend(dirty.job, {0, kAll});
    for (int64_t query = 0; query < kAll; ++query)
      for (int64_t d = 0; d < 24; ++d) {
        const float y = dirty.y[query * 24 + d];
        if (query >= kBad && query < kBad + kWindow) {
          EXPECT_TRUE(std::isnan(y)) << name_of(isa) << ", " << query;
        } else {
          EXPECT_EQ(y, clean.y[query * 24 + d]) << name_of(isa) << ", " << query;
        }
      }
  }
}

TEST(Attend, HandsOutTheProbabilitiesAndTheSameResult) {
  for (Isa isa : available())
    for (const Choice& choice : kChoices) {
      constexpr int64_t kFirst = 61, kQueries = 80, kKeys = kFirst + kQueries;
      Head with(kKeys, 24, choice), without(kKeys, 24, choice);
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
      const auto p = softmax_plainly(head.job, query);
      double plain = 0;
      for (size_t j = 0; j < p.size(); ++j)
        plain += p[j] * head.job.v[static_cast<int64_t>(j) * head.job.v_stride];
      EXPECT_NEAR(head.y[query * 8], plain, 0.01) << name_of(isa) << ", " << query;
    }
  }
}

}  // namespace
}  // namespace crescent::kernels
