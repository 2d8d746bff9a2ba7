#include "profiler/statistics.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"

namespace crescent {
namespace {

std::vector<double> sorted(std::span<const double> values, const char* what) {
  if (values.empty()) fail("{}: expected at least one value, got none", what);
  for (size_t i = 0; i < values.size(); ++i)
    if (std::isnan(values[i]))
      fail("{}: value {} of {} is not a number", what, i + 1, values.size());
  std::vector<double> copy(values.begin(), values.end());
  std::sort(copy.begin(), copy.end());
  return copy;
}

double median_of_sorted(const std::vector<double>& values) {
  const size_t n = values.size();
  if (n % 2 == 1) return values[n / 2];
  const double low = values[n / 2 - 1], high = values[n / 2];
  return low == high ? low : low + (high - low) / 2;  // equal infinities have no difference
}

void check_confidence(double confidence, const char* what) {
  if (!(confidence > 0 && confidence < 1))
    fail("{}: confidence: expected 0 < confidence < 1, got {}", what, confidence);
}

}  // namespace

double median(std::span<const double> values) { return median_of_sorted(sorted(values, "median")); }

double mad(std::span<const double> values) {
  std::vector<double> ordered = sorted(values, "mad");
  const double centre = median_of_sorted(ordered);
  for (double& value : ordered) value = std::abs(value - centre);
  std::sort(ordered.begin(), ordered.end());
  constexpr double kToStandardDeviation = 1.482602218505602;  // 1 / (3/4 quantile of the normal)
  return kToStandardDeviation * median_of_sorted(ordered);
}

double quantile(std::span<const double> values, double q) {
  if (!(q >= 0 && q <= 1)) fail("quantile: expected 0 <= q <= 1, got {}", q);
  const std::vector<double> ordered = sorted(values, "quantile");
  const double position = q * static_cast<double>(ordered.size() - 1);
  const size_t below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, ordered.size() - 1);
  const double low = ordered[below], high = ordered[above];
  return low == high ? low : low + (position - static_cast<double>(below)) * (high - low);
}

MedianRank median_rank(size_t n, double confidence) {
  check_confidence(confidence, "median_interval");
  // The median lies below the k-th smallest value with the chance that fewer than k of n values
  // fall below it, P(B(n, 1/2) <= k - 1), and above the k-th largest with the same: the interval
  // misses with twice that. The largest k that misses seldom enough gives the narrowest interval.
  // In logarithms, as 2^-n underflows from n = 1075 on.
  double log_chance = -static_cast<double>(n) * std::log(2.0);  // P(B = 0)
  double below = 0;                                             // P(B <= k - 1)
  size_t k_best = 1;
  double missed_best = 1;
  for (size_t k = 1; 2 * k <= n + 1; ++k) {
    below += std::exp(log_chance);
    const double missed = std::min(1.0, 2 * below);
    if (k > 1 && missed > 1 - confidence) break;
    k_best = k;
    missed_best = missed;
    log_chance += std::log(static_cast<double>(n - k + 1) / static_cast<double>(k));
  }
  return {k_best, 1 - missed_best};
}

Interval median_interval(std::span<const double> values, double confidence) {
  check_confidence(confidence, "median_interval");
  const std::vector<double> ordered = sorted(values, "median_interval");
  const MedianRank found = median_rank(ordered.size(), confidence);
  return {ordered[found.rank - 1], ordered[ordered.size() - found.rank], found.confidence};
}

size_t values_needed(double confidence) {
  check_confidence(confidence, "values_needed");
  size_t n = 1;
  for (double missed = 1; missed > 1 - confidence; missed /= 2) ++n;  // smallest to largest value
  return n;
}

double binomial_at_most(size_t hits, size_t n, double p) {
  if (!(p >= 0 && p <= 1)) fail("binomial_at_most: expected 0 <= p <= 1, got {}", p);
  if (hits >= n || p == 0) return 1;
  if (p == 1) return 0;
  double log_chance = static_cast<double>(n) * std::log1p(-p);  // of no hit
  double sum = 0;
  for (size_t k = 0; k <= hits; ++k) {
    sum += std::exp(log_chance);
    log_chance += std::log(static_cast<double>(n - k) / static_cast<double>(k + 1) * p / (1 - p));
  }
  return std::min(sum, 1.0);
}

double share_at_most(size_t hits, size_t n, double confidence) {
  check_confidence(confidence, "share_at_most");
  if (hits >= n) return 1;  // of no tries at all nothing is known
  double low = 0, high = 1;
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    (binomial_at_most(hits, n, middle) > 1 - confidence ? low : high) = middle;
  }
  return high;
}

}  // namespace crescent
