#include "engine/kernels/moments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "engine/error.h"
#include "tests/engine/kernels/fenced.h"

namespace crescent::kernels {
namespace {

std::vector<const MomentsKernel*> builds() {
  std::vector<const MomentsKernel*> found;
  for (Isa isa : available()) found.push_back(&moments_kernel(isa));
  return found;
}

const int64_t kCounts[] = {0, 1, 7, 8, 9, 31, 32, 33, 100, 4095, 4096, 4097, 100'003};

std::vector<float> normal_values(int64_t count) {
  std::mt19937 random(static_cast<uint32_t>(count));
  std::normal_distribution<float> normal(0.3f, 2);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& x : values) x = normal(random);
  return values;
}

TEST(Moments, AgreeWithThePlainLoopInEveryBuildAtAnyLength) {
  for (const MomentsKernel* kernel : builds())
    for (const int64_t count : kCounts) {
      SCOPED_TRACE(testing::Message() << kernel->isa << ", " << count);
      const std::vector<float> values = normal_values(count);
      Moments plain;
      for (float x : values) {
        plain.sum += x;
        plain.sum_abs += std::abs(x);
        plain.sum_squares += double{x} * x;
        plain.abs_max = std::max(plain.abs_max, std::abs(x));
        plain.below += std::abs(x) < 0.5f;
        plain.negative += x < 0;
      }
      const Moments made = kernel->moments(values.data(), count, 0.5f);
      EXPECT_EQ(made.count, count);
      EXPECT_NEAR(made.sum, plain.sum, 1e-5 * plain.sum_abs);
      EXPECT_NEAR(made.sum_abs, plain.sum_abs, 1e-5 * plain.sum_abs);
      EXPECT_NEAR(made.sum_squares, plain.sum_squares, 1e-5 * plain.sum_squares);
      EXPECT_EQ(made.abs_max, plain.abs_max);
      EXPECT_EQ(made.below, plain.below);
      EXPECT_EQ(made.negative, plain.negative);
    }
}

TEST(Moments, ANotANumberShowsInTheSumsAndIsCountedAsNothing) {
  for (const MomentsKernel* kernel : builds())
    for (const size_t place : {3u, 98u}) {
      std::vector<float> values(99, 1.0f);
      values[place] = std::numeric_limits<float>::quiet_NaN();
      const Moments made = kernel->moments(values.data(), 99, 2.0f);
      EXPECT_TRUE(std::isnan(made.sum_abs)) << kernel->isa;
      EXPECT_EQ(made.below, 98) << kernel->isa;
    }
}

TEST(AttentionRow, AgreesWithThePlainLoopInEveryBuildAtAnyLength) {
  for (const MomentsKernel* kernel : builds())
    for (const int64_t count : kCounts) {
      if (count == 0) continue;
      SCOPED_TRACE(testing::Message() << kernel->isa << ", " << count);
      std::vector<float> p = normal_values(count);
      double sum = 0;
      for (float& x : p) sum += x = std::exp(3 * x);
      for (float& x : p) x = static_cast<float>(x / sum);
      p[0] = 0;
      double entropy = 0;
      float most = 0;
      int64_t below = 0;
      for (float x : p) {
        if (x > 0) entropy -= x * std::log(double{x});
        most = std::max(most, x);
        below += x < 1e-4f;
      }
      const AttentionRow made = kernel->attention_row(p.data(), count, 1e-4f);
      EXPECT_NEAR(made.entropy_nats, entropy, 2e-5);
      EXPECT_EQ(made.max, most);
      EXPECT_EQ(made.below, below);
    }
}

TEST(AttentionRow, KnowsTheEntropyOfTheTwoExtremes) {
  const std::vector<float> even(64, 1.0f / 64);
  std::vector<float> one(64, 0.0f);
  one[17] = 1;
  for (const MomentsKernel* kernel : builds()) {
    EXPECT_NEAR(kernel->attention_row(even.data(), 64, 1e-3f).entropy_nats, std::log(64.0), 1e-5);
    const AttentionRow peak = kernel->attention_row(one.data(), 64, 1e-3f);
    EXPECT_EQ(peak.entropy_nats, 0);
    EXPECT_EQ(peak.max, 1);
    EXPECT_EQ(peak.below, 63);
  }
}

}  // namespace
}  // namespace crescent::kernels
