#include "profiler/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "engine/error.h"

namespace crescent {
namespace {

template <class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Median, IsTheMiddleOrTheMeanOfTheTwoMiddleValuesInAnyOrder) {
  EXPECT_EQ(median(std::vector<double>{3, 1, 2}), 2);
  EXPECT_EQ(median(std::vector<double>{4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median(std::vector<double>{7}), 7);
  EXPECT_EQ(median(std::vector<double>{INFINITY, 1, INFINITY, INFINITY}), INFINITY);
}

TEST(Median, LeavesItsValuesAlone) {
  const std::vector<double> values = {3, 1, 2};
  std::vector<double> copy = values;
  median(copy), mad(copy), quantile(copy, 0.3), median_interval(copy);
  EXPECT_EQ(copy, values);
}

TEST(Median, RefusesNoValuesAndValuesThatAreNotNumbers) {
  EXPECT_EQ(message_of([] { median({}); }), "median: expected at least one value, got none");
  EXPECT_EQ(message_of([] {
              mad(std::vector<double>{1, NAN, 3});
            }),
            "mad: value 2 of 3 is not a number");
}

TEST(Mad, IsTheStandardDeviationOfNormalValuesWhateverTheOutliers) {
  EXPECT_DOUBLE_EQ(mad(std::vector<double>{1, 1, 2, 2, 4, 6, 9}), 1.482602218505602);
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal(5, 2);
  std::vector<double> values(20001);
  for (double& value : values) value = normal(random);
  EXPECT_NEAR(mad(values), 2, 0.06);
  for (size_t i = 0; i < 200; ++i) values[i] = 1e9;
  EXPECT_NEAR(mad(values), 2, 0.1);
}

TEST(Quantile, AgreesWithNumpysDefault) {
  // numpy.quantile([15, 20, 35, 40, 50], [0, .05, .25, .4, .5, .9, 1])
  const std::vector<double> values = {35, 20, 15, 50, 40};
  EXPECT_DOUBLE_EQ(quantile(values, 0), 15);
  EXPECT_DOUBLE_EQ(quantile(values, 0.05), 16);
  EXPECT_DOUBLE_EQ(quantile(values, 0.25), 20);
  EXPECT_DOUBLE_EQ(quantile(values, 0.4), 29);
  EXPECT_DOUBLE_EQ(quantile(values, 0.5), 35);
  EXPECT_DOUBLE_EQ(quantile(values, 0.9), 46);
  EXPECT_DOUBLE_EQ(quantile(values, 1), 50);
  EXPECT_DOUBLE_EQ(quantile(std::vector<double>{7}, 0.3), 7);
}

TEST(Quantile, RefusesAShareOutsideOfZeroToOne) {
  const std::vector<double> values = {1, 2};
  EXPECT_EQ(message_of([&] { quantile(values, 1.5); }), "quantile: expected 0 <= q <= 1, got 1.5");
  EXPECT_NE(message_of([&] { quantile(values, NAN); }), "no error");
}

std::vector<double> one_to(int n) {
  std::vector<double> values;
  for (int i = n; i >= 1; --i) values.push_back(i);
  return values;
}

TEST(MedianInterval, AgreesWithTheTabulatedRanks) {
  // The ranks of the sign test's 95 % interval, as in tables of nonparametric statistics.
  const struct {
    int n, low, high;
    double confidence;
  } cases[] = {{6, 1, 6, 0.96875},    {9, 2, 8, 0.9609375},   {10, 2, 9, 0.978515625},
               {20, 6, 15, 0.958610}, {30, 10, 21, 0.957226}, {100, 40, 61, 0.964800}};
  for (const auto& [n, low, high, confidence] : cases) {
    const Interval interval = median_interval(one_to(n), 0.95);
    EXPECT_EQ(interval.low, low) << n;
    EXPECT_EQ(interval.high, high) << n;
    EXPECT_NEAR(interval.confidence, confidence, 1e-6) << n;
  }
}

TEST(MedianInterval, ReportsTheBestConfidenceWhereTooFewValuesAllowNone) {
  const Interval five = median_interval(one_to(5), 0.95);
  EXPECT_EQ(five.low, 1);
  EXPECT_EQ(five.high, 5);
  EXPECT_DOUBLE_EQ(five.confidence, 0.9375);
  EXPECT_DOUBLE_EQ(median_interval(one_to(1), 0.95).confidence, 0);
  EXPECT_DOUBLE_EQ(median_interval(one_to(2), 0.95).confidence, 0.5);
}

TEST(MedianInterval, HoldsForThousandsOfValues) {
  const Interval interval = median_interval(one_to(20000), 0.99);
  EXPECT_GE(interval.confidence, 0.99);
  EXPECT_LT(interval.confidence, 0.9905);
  // Normal approximation: n/2 -+ 2.5758 * sqrt(n) / 2.
  EXPECT_NEAR(interval.low, 10000 - 182, 2);
  EXPECT_NEAR(interval.high, 10001 + 182, 2);
}

TEST(MedianInterval, CoversTheMedianOfASkewedDistributionAsOftenAsItSays) {
  std::mt19937_64 random(3);
  std::exponential_distribution<double> skewed;
  int covered = 0;
  double confidence = 0;
  constexpr int kRuns = 4000;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> values(25);
    for (double& value : values) value = skewed(random);
    const Interval interval = median_interval(values, 0.95);
    confidence = interval.confidence;
    covered += interval.low <= std::log(2.0) && std::log(2.0) <= interval.high;
  }
  EXPECT_NEAR(static_cast<double>(covered) / kRuns, confidence, 0.01);
}

TEST(MedianInterval, RefusesAConfidenceOutsideOfZeroToOne) {
  EXPECT_EQ(message_of([] {
              median_interval(std::vector<double>{1, 2}, 1);
            }),
            "median_interval: confidence: expected 0 < confidence < 1, got 1");
}

TEST(ValuesNeeded, IsTheFewestWithWhichTheIntervalReachesTheConfidence) {
  EXPECT_EQ(values_needed(0.95), 6u);
  EXPECT_EQ(values_needed(0.99), 8u);
  for (const double confidence : {0.5, 0.9, 0.95, 0.99, 0.999}) {
    const int n = static_cast<int>(values_needed(confidence));
    EXPECT_GE(median_interval(one_to(n), confidence).confidence, confidence);
    EXPECT_LT(median_interval(one_to(n - 1), confidence).confidence, confidence);
  }
}

TEST(MedianRank, IsThatOfTheIntervalsEnds) {
  std::vector<double> values(30);
  std::iota(values.begin(), values.end(), 1.0);
  const MedianRank found = median_rank(30, 0.99);
  const Interval interval = median_interval(values, 0.99);
  EXPECT_EQ(interval.low, static_cast<double>(found.rank));
  EXPECT_EQ(interval.high, static_cast<double>(31 - found.rank));
  EXPECT_EQ(interval.confidence, found.confidence);
}

TEST(Binomial, CountsTheChancesOfFewHits) {
  EXPECT_DOUBLE_EQ(binomial_at_most(0, 3, 0.5), 0.125);
  EXPECT_DOUBLE_EQ(binomial_at_most(1, 3, 0.5), 0.5);
  EXPECT_DOUBLE_EQ(binomial_at_most(3, 3, 0.9), 1);
  EXPECT_DOUBLE_EQ(binomial_at_most(1, 2, 0.1), 0.99);
  EXPECT_EQ(binomial_at_most(0, 5, 0), 1);
  EXPECT_EQ(binomial_at_most(4, 5, 1), 0);
  // 2^-5000 is no double; half of the tries hit half of the time.
  EXPECT_NEAR(binomial_at_most(2500, 5000, 0.5), 0.5056, 1e-3);
}

TEST(ShareAtMost, IsTheOneSidedBoundOfClopperAndPearson) {
  EXPECT_NEAR(share_at_most(0, 40), 1 - std::pow(0.05, 1.0 / 40), 1e-12);
  EXPECT_NEAR(share_at_most(18, 20), 0.98193, 1e-5);
  EXPECT_EQ(share_at_most(20, 20), 1);
  EXPECT_EQ(share_at_most(0, 0), 1);
}

}  // namespace
}  // namespace crescent
