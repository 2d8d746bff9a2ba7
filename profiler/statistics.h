#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace crescent {

struct Interval {
  double low, high;
  /// The coverage that was really reached: at least what was asked for where that many values
  /// allow it, else the best that they allow (smallest to largest value), which is less.
  double confidence;
};

/// Every function takes its values in any order and leaves them alone; no values at all, or one
/// that is not a number, is an error.
double median(std::span<const double> values);
/// Median absolute deviation from the median, times 1.4826: the standard deviation of normal data.
double mad(std::span<const double> values);
/// Type 7 of Hyndman & Fan 1996 (what R and NumPy do by default), 0 <= q <= 1.
double quantile(std::span<const double> values, double q);
/// Order-statistic interval of the median, free of any assumption about the distribution: between
/// the k-th smallest and k-th largest values, by the binomial distribution.
/// David & Nagaraja 2003, "Order Statistics", section 7.1.
Interval median_interval(std::span<const double> values, double confidence = 0.95);
/// Which of n sorted values bound that interval: the rank-th smallest and the rank-th largest, from
/// 1, and what they cover.
struct MedianRank {
  size_t rank;
  double confidence;
};
MedianRank median_rank(size_t n, double confidence);
/// The fewest values with which median_interval reaches a confidence: 6 for 0.95, 8 for 0.99.
size_t values_needed(double confidence);

/// The chance of at most `hits` in n independent tries that hit with the chance p each.
double binomial_at_most(size_t hits, size_t n, double p);
/// The largest share that still gives as few as `hits` in n with a chance of 1 - confidence.
/// Clopper & Pearson 1934, the one-sided bound.
double share_at_most(size_t hits, size_t n, double confidence = 0.95);

/// Every timing: all samples kept; formats and compares as its median.
struct Samples {
  std::vector<double> values;
  std::string unit;  ///< 'ms'
};

}  // namespace crescent
