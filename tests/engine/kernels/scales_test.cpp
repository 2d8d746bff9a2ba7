#include "engine/kernels/scales.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "tests/engine/kernels/narrowed.h"

namespace crescent::kernels {
namespace {

constexpr Width kWithScales[] = {Width::int8, Width::int8_grouped, Width::int4};

/// Inputs that differ as those of a network do: by a factor of 400 between two and a half standard
/// deviations.
void fill_importance(const Fenced& importance, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1.2f);
  for (int64_t k = 0; k < importance.size(); ++k) importance[k] = std::exp(normal(random));
}

/// Weighted squares of what row `row` lost, inputs `begin` .. `end`.
double lost(const Narrowed& narrow, const float* x, const float* importance, int64_t row,
            std::pair<int64_t, int64_t> range) {
  const std::vector<float> back = narrow.row(row);
  double sum = 0;
  for (int64_t k = range.first; k < range.second; ++k) {
    const double off = double{x[k]} - back[static_cast<size_t>(k)];
    sum += double{importance[k]} * off * off;
  }
  return sum;
}

bool same_rows(const Narrowed& a, const Narrowed& b, int64_t rows) {
  for (int64_t row = 0; row < rows; ++row) {
    const std::vector<float> x = a.row(row), y = b.row(row);
    if (std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) != 0) return false;
  }
  return true;
}

const int64_t kInputs[] = {1, 5, 31, 32, 33, 100, 769};

TEST(ChosenScales, NeverLoseMoreThanThePlainOnes) {
  constexpr int64_t kRows = 8;
  for (const Width width : kWithScales)
    for (const int64_t inputs : kInputs)
      for (const float middle : {0.0f, 0.3f, -40.0f}) {
        Fenced x(kRows * inputs), importance(inputs);
        x.fill(3, 0.2f);
        for (int64_t i = 0; i < x.size(); ++i) x[i] += middle;
        fill_importance(importance, 4);
        const Narrowed plain(width, x.data(), {kRows, inputs});
        const Narrowed chosen(width, x.data(),
                              {.rows = kRows, .inputs = inputs, .importance = importance.data()});
        const int64_t shared = width == Width::int8 ? inputs : kGroup;
        for (int64_t row = 0; row < kRows; ++row) {
          const float* const from = x.data() + row * inputs;
          double before = 0, after = 0, whole = 0;
          for (int64_t at = 0; at < inputs; at += shared) {
            const std::pair range(at, std::min(inputs, at + shared));
            const double was = lost(plain, from, importance.data(), row, range);
            const double is = lost(chosen, from, importance.data(), row, range);
            ASSERT_LE(is, was * (1 + 1e-12))
                << name_of(width) << ", " << inputs << " around " << middle << ", " << at;
            before += was, after += is;
          }
          for (int64_t k = 0; k < inputs; ++k) whole += double{importance[k]} * from[k] * from[k];
          const WeightedError& told = chosen.error(row);
          ASSERT_NEAR(told.plain, before, 1e-9 * before) << name_of(width) << ", " << inputs;
          ASSERT_NEAR(told.chosen, after, 1e-9 * before);
          ASSERT_NEAR(told.whole, whole, 1e-9 * whole);
        }
        ASSERT_TRUE(chosen.intact() && importance.intact());
      }
}

/// What is lost over what is lost with the plain scales.
double share_lost(Width width, bool by_importance) {
  constexpr int64_t kRows = 40, kWide = 192;
  Fenced x(kRows * kWide), importance(kWide, 1);
  x.fill(5, 0.05f);
  if (by_importance) fill_importance(importance, 6);
  const Narrowed chosen(width, x.data(),
                        {.rows = kRows, .inputs = kWide, .importance = importance.data()});
  double before = 0, after = 0;
  for (int64_t row = 0; row < kRows; ++row) {
    before += chosen.error(row).plain;
    after += chosen.error(row).chosen;
  }
  return after / before;
}

TEST(ChosenScales, LoseLessWhereverItMattersLess) {
  EXPECT_LT(share_lost(Width::int4, true), 0.7);
  EXPECT_LT(share_lost(Width::int8_grouped, true), 0.9);
  EXPECT_LT(share_lost(Width::int8, true), 0.98);
  EXPECT_LT(share_lost(Width::int4, false), 0.85) << "fewer outliers, more of the rest";
  EXPECT_GT(share_lost(Width::int4, false), share_lost(Width::int4, true));
}

TEST(ChosenScales, AreThePlainOnesWhereNothingCanBeGained) {
  constexpr int64_t kRows = 3, kWide = 70;
  Fenced x(kRows * kWide), nothing(kWide, 0), infinite(kWide, INFINITY), alike(kWide, 1);
  x.fill(7, 0.1f);
  for (const Width width : kWithScales) {
    const Narrowed plain(width, x.data(), {kRows, kWide});
    for (const Fenced* importance : {&nothing, &infinite}) {
      const Narrowed chosen(width, x.data(),
                            {.rows = kRows, .inputs = kWide, .importance = importance->data()});
      EXPECT_TRUE(same_rows(chosen, plain, kRows)) << name_of(width);
    }
    const std::vector<float> zeros(kWide, 0);
    const Narrowed none(width, zeros.data(),
                        {.rows = 1, .inputs = kWide, .importance = alike.data()});
    EXPECT_EQ(none.row(0), zeros);
    EXPECT_EQ(none.error(0).whole, 0);
  }
}

TEST(ChosenScales, LoseNothingWhereThePlainOnesLoseNothing) {
  std::vector<float> x(64);
  for (size_t k = 0; k < x.size(); ++k) x[k] = static_cast<float>(k % 16);
  Fenced importance(64);
  fill_importance(importance, 12);
  const Narrowed chosen(Width::int4, x.data(),
                        {.rows = 1, .inputs = 64, .importance = importance.data()});
  EXPECT_EQ(chosen.row(0), x);
  EXPECT_EQ(chosen.error(0).chosen, 0);
}

TEST(ChosenScales, AreAsShortAsPlainOnes) {
  constexpr int64_t kRows = 20, kWide = 96;
  Fenced x(kRows * kWide), importance(kWide);
  x.fill(8, 0.3f);
  fill_importance(importance, 9);
  const Narrowed int8(Width::int8, x.data(),
                      {.rows = kRows, .inputs = kWide, .importance = importance.data()});
  const Narrowed plain(Width::int8, x.data(), {kRows, kWide});
  int moved = 0;
  for (int64_t row = 0; row < kRows; ++row) {
    const auto bits = std::bit_cast<uint32_t>(int8.stored().scales[row]);
    EXPECT_EQ(bits & 0xff, 0u) << "scale * q would be rounded";
    moved += int8.stored().scales[row] != plain.stored().scales[row];
  }
  EXPECT_GT(moved, kRows / 2);
}

TEST(ChosenScales, LeaveWhatCannotBeStoredNotANumber) {
  Fenced importance(96, 1);
  std::vector<float> x(96, 0.5f);
  x[40] = std::numeric_limits<float>::quiet_NaN();
  for (const Width width : kWithScales) {
    const Narrowed chosen(width, x.data(),
                          {.rows = 1, .inputs = 96, .importance = importance.data()});
    const auto back = chosen.row(0);
    for (size_t k = 0; k < 96; ++k)
      EXPECT_EQ(std::isnan(back[k]), width == Width::int8 || k / 32 == 1) << name_of(width);
    EXPECT_TRUE(std::isfinite(chosen.error(0).chosen)) << "what has no scale has no error";
  }
}

TEST(ChosenScales, ComeOutTheSameWhateverStandsBeside) {
  constexpr int64_t kRows = 5, kWide = 65;
  Fenced x(kRows * kWide), importance(kWide);
  x.fill(10, 0.3f);
  fill_importance(importance, 11);
  for (const Width width : kWithScales) {
    const Narrowed together(width, x.data(),
                            {.rows = kRows, .inputs = kWide, .importance = importance.data()});
    for (int64_t row = 0; row < kRows; ++row) {
      const Narrowed alone(width, x.data() + row * kWide,
                           {.rows = 1, .inputs = kWide, .importance = importance.data()});
      EXPECT_EQ(alone.row(0), together.row(row)) << name_of(width);
    }
  }
}

}  // namespace
}  // namespace crescent::kernels
