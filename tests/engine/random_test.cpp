#include "engine/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "engine/interrupt.h"
#include "tests/engine/formats/support.h"

namespace crescent {
namespace {

using Block = std::array<uint32_t, 4>;

// The known answers of the Random123 library (kat_vectors: philox4x32, 10 rounds).
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, CountsBlocksOfItsStream) {
  Random random(0x2222222211111111, 0x4444444433333333);
  for (uint32_t block = 0; block < 3; ++block) {
    const Block expected = philox4x32({block, 0, 0x33333333, 0x44444444}, {0x11111111, 0x22222222});
    for (const uint32_t bits : expected) EXPECT_EQ(random.bits(), bits);
  }
}

TEST(Random, GivesOtherNumbersForAnotherSeedStreamAndPlace) {
  Random a(1, 2), b(2, 2), c(1, 3), same(1, 2);
  const uint32_t first = a.bits();
  EXPECT_NE(first, b.bits());
  EXPECT_NE(first, c.bits());
  EXPECT_EQ(first, same.bits());
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(a.bits(), same.bits());
}

/// Pearson's statistic of counts that should be equal, as standard deviations above its mean.
double chi_square_excess(const std::vector<int64_t>& counts) {
  double total = 0;
  for (const int64_t count : counts) total += static_cast<double>(count);
  const double expected = total / static_cast<double>(counts.size());
  double statistic = 0;
  for (const int64_t count : counts) {
    const double difference = static_cast<double>(count) - expected;
    statistic += difference * difference / expected;
  }
  const double freedom = static_cast<double>(counts.size()) - 1;
  return (statistic - freedom) / std::sqrt(2 * freedom);
}

TEST(Random, IsUniform) {
  Random random(42);
  std::vector<int64_t> counts(1000);
  double sum = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const double u = random.uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    ++counts[static_cast<size_t>(u * 1000)];
    sum += u;
  }
  EXPECT_LT(std::abs(chi_square_excess(counts)), 4.0);
  EXPECT_NEAR(sum / 1e6, 0.5, 4 * std::sqrt(1.0 / 12 / 1e6));
}

TEST(Random, DrawsBelowWithoutBias) {
  Random random(9);
  std::vector<int64_t> counts(7);
  for (int i = 0; i < 700'000; ++i) ++counts[random.below(7)];
  EXPECT_LT(std::abs(chi_square_excess(counts)), 4.0);
  // Where half of the draws must be refused, a modulus would give the low half twice as often.
  const uint64_t n = (uint64_t{1} << 63) + (uint64_t{1} << 62);
  int64_t low = 0;
  for (int i = 0; i < 100'000; ++i) low += random.below(n) < n / 2;
  EXPECT_NEAR(static_cast<double>(low), 50'000, 4 * std::sqrt(25'000.0));
  EXPECT_EQ(random.below(1), 0u);
  EXPECT_EQ(message_of([&] { random.below(0); }), "a random number below 0: expected at least 1");
}

/// The share of a standard normal below x.
double normal_share(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

void expect_normal(const std::vector<float>& values, double mean, double deviation) {
  const auto n = static_cast<double>(values.size());
  std::vector<int64_t> counts(200);
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
  for (const float value : values) {
    const double z = (value - mean) / deviation;
    m1 += z;
    m2 += z * z;
    m3 += z * z * z;
    m4 += z * z * z * z;
    const auto bin = static_cast<size_t>(normal_share(z) * 200);
    ++counts[std::min<size_t>(bin, 199)];
  }
  EXPECT_NEAR(m1 / n, 0, 4 / std::sqrt(n));
  EXPECT_NEAR(m2 / n, 1, 4 * std::sqrt(2 / n));
  EXPECT_NEAR(m3 / n, 0, 4 * std::sqrt(15 / n));
  EXPECT_NEAR(m4 / n, 3, 4 * std::sqrt(96 / n));
  EXPECT_LT(std::abs(chi_square_excess(counts)), 4.0);
}

TEST(FillNormal, IsNormal) {
  std::vector<float> values(1'000'000);
  Random::fill_normal(values, 3, 0, 0.0f, 1.0f);
  expect_normal(values, 0, 1);
  Random::fill_normal(values, 3, 1, -2.0f, 0.02f);
  expect_normal(values, -2, 0.02f);
  // Neighbours come from one block: they must not know of each other.
  double product[3] = {};
  for (size_t i = 0; i + 3 < values.size(); i += 4) {
    for (size_t j = 0; j < 3; ++j) product[j] += (values[i] + 2) * (values[i + j + 1] + 2) / 0.0004;
  }
  for (const double sum : product) EXPECT_NEAR(sum / 250'000, 0, 4 / std::sqrt(250'000.0));
}

TEST(Random, DrawsNormals) {
  Random random(17);
  std::vector<float> values(200'000);
  for (float& value : values) value = static_cast<float>(random.normal());
  expect_normal(values, 0, 1);
}

// Box and Muller in double precision from the same bits.
TEST(FillNormal, IsBoxAndMullersTransform) {
  Random bits(21, 4);
  Random normals(21, 4);
  for (int i = 0; i < 20'000; ++i) {
    const uint32_t radius_bits = bits.bits(), angle_bits = bits.bits();
    const double u = (static_cast<float>(radius_bits >> 1) + 0.5f) * 0x1p-31f;
    const double quadrant = angle_bits >> 30;
    const double place = static_cast<double>(angle_bits & 0x3FFFFFFF) / 0x1p30 - 0.5;
    const double angle = (quadrant + place) * std::numbers::pi / 2;
    ASSERT_NEAR(normals.normal(), std::sqrt(-2 * std::log(u)) * std::cos(angle), 1e-6);
  }
}

// The same weights on every machine and in every version: these numbers are a promise. Python's
// double precision agrees with them.
TEST(Random, GivesTheseNumbers) {
  std::vector<float> values(5);
  Random::fill_normal(values, 1, 2, 0.0f, 1.0f);
  EXPECT_EQ(values, (std::vector<float>{-0x1.589de8p-2f, -0x1.05a422p+0f, -0x1.4c2064p+0f,
                                        0x1.d4d20ep-2f, -0x1.14fcep-1f}));
  Random::fill_uniform(values, 1, 2, 0.0f, 1.0f);
  EXPECT_EQ(values, (std::vector<float>{0x1.a75298p-2f, 0x1.c5a504p-1f, 0x1.0356a6p-1f,
                                        0x1.f695a2p-1f, 0x1.dd55d2p-1f}));
  Random random(1, 2);
  EXPECT_EQ(random.uniform(), 0x1.ce6809a33b717p-1);
  EXPECT_EQ(random.normal(), 0x1.6fde12p+0);
  EXPECT_EQ(random.below(1'000'000'007), 717'601'867u);
}

TEST(FillNormal, GivesTheSameNumbersHoweverItIsSplit) {
  // Enough for several threads, and no multiple of what a thread makes at once.
  std::vector<float> long_one(3'000'001), short_one(70'001);
  Random::fill_normal(long_one, 5, 6, 0.0f, 1.0f);
  Random::fill_normal(short_one, 5, 6, 0.0f, 1.0f);
  EXPECT_TRUE(std::equal(short_one.begin(), short_one.end(), long_one.begin()));
  // Every share was filled: no zeros, and tails as three million normals have them.
  EXPECT_EQ(std::count(long_one.begin(), long_one.end(), 0.0f), 0);
  const auto [least, largest] = std::minmax_element(long_one.begin(), long_one.end());
  EXPECT_LT(*least, -4.5f);
  EXPECT_GT(*largest, 4.5f);
}

TEST(FillNormal, TakesEmptySpans) {
  std::vector<float> none;
  Random::fill_normal(none, 1, 1, 0.0f, 1.0f);
  EXPECT_TRUE(none.empty());
}

TEST(FillUniform, StaysInItsRange) {
  std::vector<float> values(1'000'003);
  Random::fill_uniform(values, 8, 0, -2.0f, 3.0f);
  std::vector<int64_t> counts(100);
  for (const float value : values) {
    ASSERT_GE(value, -2.0f);
    ASSERT_LT(value, 3.0f);
    ++counts[static_cast<size_t>((value + 2) / 5 * 100)];
  }
  EXPECT_LT(std::abs(chi_square_excess(counts)), 4.0);
  // Two neighbouring floats: rounding alone would give the upper one half of the time.
  const float next = std::nextafter(1e8f, 2e8f);
  Random::fill_uniform(values, 8, 0, 1e8f, next);
  EXPECT_EQ(*std::max_element(values.begin(), values.end()), 1e8f);
}

TEST(FillUniform, RefusesRangesThatAreNone) {
  std::vector<float> one(1);
  EXPECT_EQ(message_of([&] { Random::fill_uniform(one, 1, 1, 2.0f, 2.0f); }),
            "uniform numbers: expected low < high and a finite range, got 2 and 2");
}

TEST(FillNormal, CanBeInterrupted) {
  std::vector<float> values(1000);
  interrupt_requested = true;
  EXPECT_THROW(Random::fill_normal(values, 1, 1, 0.0f, 1.0f), Interrupted);
  interrupt_requested = false;
}

}  // namespace
}  // namespace crescent
