#include "engine/exec/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/engine/formats/support.h"

namespace crescent {
namespace {

TEST(Sampler, FindsTheFirstOfTheLargestWhereverItStands) {
  Sampler greedy{SamplingOptions{}};
  for (const size_t count : {1, 5, 16, 1023, 1024, 1025, 5000}) {
    std::vector<float> logits(count, -3.0f);
    for (const size_t place : {count - 1, count / 2, size_t{0}}) {
      logits[place] = -1.0f;  // before the one that is there already
      EXPECT_EQ(greedy.pick(logits, {}), static_cast<int32_t>(place)) << count;
    }
    logits[count / 2] = -0.5f;
    EXPECT_EQ(greedy.pick(logits, {}), static_cast<int32_t>(count / 2)) << count;
  }
}

using Ids = std::vector<int32_t>;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> logs(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

/// Draws often, and holds every share against the expected one within four standard deviations.
void expect_shares(const SamplingOptions& options, const std::vector<float>& logits,
                   const std::vector<double>& expected, const Ids& seen = {}) {
  constexpr int kDraws = 40'000;
  Sampler sampler(options);
  std::vector<double> counts(logits.size());
  for (int i = 0; i < kDraws; ++i) ++counts[static_cast<size_t>(sampler.pick(logits, seen))];
  for (size_t id = 0; id < expected.size(); ++id) {
    const double p = expected[id];
    EXPECT_NEAR(counts[id] / kDraws, p, 4 * std::sqrt(p * (1 - p) / kDraws)) << "id " << id;
  }
}

TEST(Sampler, PicksTheFirstOfTheLargestAtTemperatureZero) {
  Sampler sampler({});
  EXPECT_EQ(sampler.pick(std::vector<float>{1, 3, 2, 3}, {}), 1);
  EXPECT_EQ(sampler.pick(std::vector<float>{-kInfinity, -5}, {}), 1);
  EXPECT_EQ(sampler.pick(std::vector<float>{0}, {}), 0);
}

TEST(Sampler, DrawsFromTheSoftmax) {
  expect_shares({.temperature = 1}, logs({0.5, 0.3, 0.15, 0.05}), {0.5, 0.3, 0.15, 0.05});
  expect_shares({.temperature = 1}, {0, -kInfinity, 0}, {0.5, 0, 0.5});
}

TEST(Sampler, DividesLogitsByTheTemperature) {
  // p^(1/2): sqrt(0.64) : sqrt(0.36) = 8 : 6;  p^2: 0.4096 : 0.1296.
  expect_shares({.temperature = 2}, logs({0.64, 0.36}), {8.0 / 14, 6.0 / 14});
  expect_shares({.temperature = 0.5}, logs({0.64, 0.36}), {0.4096 / 0.5392, 0.1296 / 0.5392});
  expect_shares({.temperature = 1e-300}, {1, 2, 1}, {0, 1, 0});
}

TEST(Sampler, KeepsTheTopK) {
  expect_shares({.temperature = 1, .top_k = 2}, logs({0.1, 0.3, 0.15, 0.45}), {0, 0.4, 0, 0.6});
  expect_shares({.temperature = 1, .top_k = 9}, logs({0.25, 0.75}), {0.25, 0.75});
  // Of equal ones the first stay, so that k are kept and not more.
  expect_shares({.temperature = 1, .top_k = 2}, {1, 1, 1, 1}, {0.5, 0.5, 0, 0});
}

TEST(Sampler, KeepsTheSmallestSetThatReachesTopP) {
  const auto logits = logs({0.15, 0.5, 0.05, 0.3});
  expect_shares({.temperature = 1, .top_p = 0.45}, logits, {0, 1, 0, 0});
  expect_shares({.temperature = 1, .top_p = 0.79}, logits, {0, 0.625, 0, 0.375});
  expect_shares({.temperature = 1, .top_p = 0.81}, logits,
                {0.15 / 0.95, 0.5 / 0.95, 0, 0.3 / 0.95});
  expect_shares({.temperature = 1, .top_p = 1}, logits, {0.15, 0.5, 0.05, 0.3});
  expect_shares({.temperature = 1, .top_p = 1e-9}, {1, 1}, {1, 0});
}

TEST(Sampler, TakesTopPOfWhatTopKLeft) {
  // Of 0.5 and 0.3 alone, the first has 0.625 and reaches 0.6.
  expect_shares({.temperature = 1, .top_k = 2, .top_p = 0.6}, logs({0.15, 0.5, 0.05, 0.3}),
                {0, 1, 0, 0});
}

TEST(Sampler, FindsTheNucleusOfALargeFlatVocabulary) {
  // 2000 equal tokens: 0.5 is reached by the first thousand, far beyond the first sorted chunk.
  Sampler sampler({.temperature = 1, .top_p = 0.5});
  const std::vector<float> logits(2000, 0.25f);
  int32_t largest = 0;
  for (int i = 0; i < 300; ++i) largest = std::max(largest, sampler.pick(logits, {}));
  EXPECT_LT(largest, 1000);
  EXPECT_GT(largest, 900);
}

TEST(Sampler, PenalisesSeenTokensOnce) {
  Sampler greedy({.repetition_penalty = 2});
  EXPECT_EQ(greedy.pick(std::vector<float>{3, 2}, Ids{0}), 1);       // 1.5 < 2
  EXPECT_EQ(greedy.pick(std::vector<float>{3, 1}, Ids{0, 0}), 0);    // 1.5, and not 0.75
  EXPECT_EQ(greedy.pick(std::vector<float>{-1, -1.5f}, Ids{0}), 1);  // -2 < -1.5
  const double e = std::exp(1.0);
  expect_shares({.temperature = 1, .repetition_penalty = 2}, {2, 1}, {0.5, 0.5}, {0});
  expect_shares({.temperature = 1, .repetition_penalty = 0.5}, {1, 1}, {e / (e + 1), 1 / (e + 1)},
                {0});
}

TEST(Sampler, DrawsTheSameForTheSameSeed) {
  const auto logits = logs({0.25, 0.25, 0.25, 0.25});
  Sampler a({.temperature = 1, .seed = 4}), b({.temperature = 1, .seed = 4}),
      c({.temperature = 1, .seed = 5});
  Ids from_a, from_b, from_c;
  for (int i = 0; i < 50; ++i) {
    from_a.push_back(a.pick(logits, {}));
    from_b.push_back(b.pick(logits, {}));
    from_c.push_back(c.pick(logits, {}));
  }
  EXPECT_EQ(from_a, from_b);
  EXPECT_NE(from_a, from_c);
}

TEST(Sampler, RefusesLogitsThatAreNoDistribution) {
  const auto refusal = [](std::vector<float> logits, const Ids& seen = {}, double penalty = 1) {
    return message_of([&] { Sampler({.repetition_penalty = penalty}).pick(logits, seen); });
  };
  EXPECT_EQ(refusal({1, NAN}), "logits: expected finite numbers, got nan at token id 1");
  EXPECT_EQ(refusal({kInfinity}), "logits: expected finite numbers, got inf at token id 0");
  EXPECT_EQ(refusal({-kInfinity, -kInfinity}), "logits: all 2 are -inf, so no token can be picked");
  EXPECT_EQ(refusal({}), "logits: expected at least one, got none");
  EXPECT_EQ(refusal({1, 2}, {2}, 2), "seen token id 2: expected 0 .. 1");
  EXPECT_EQ(refusal({1, 1e30f}, {1}, 1e-30),
            "option 'repetition_penalty': 1e-30 makes the logit 1e+30 of token id 1 infinite");
}

TEST(Sampler, RefusesOptionsOutsideTheirRange) {
  const auto refusal = [](const SamplingOptions& options) {
    return message_of([&] { Sampler sampler(options); });
  };
  EXPECT_EQ(refusal({.temperature = -1}), "option 'temperature': expected a number >= 0, got -1");
  EXPECT_EQ(refusal({.temperature = NAN}), "option 'temperature': expected a number >= 0, got nan");
  EXPECT_EQ(refusal({.top_k = -1}), "option 'top_k': expected an integer >= 0, got -1");
  EXPECT_EQ(refusal({.top_p = 0}), "option 'top_p': expected 0 < top_p <= 1, got 0");
  EXPECT_EQ(refusal({.top_p = 1.5}), "option 'top_p': expected 0 < top_p <= 1, got 1.5");
  EXPECT_EQ(refusal({.repetition_penalty = 0}),
            "option 'repetition_penalty': expected a number > 0, got 0");
}

}  // namespace
}  // namespace crescent
