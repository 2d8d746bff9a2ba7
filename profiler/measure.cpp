#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/error.h"
#include "profiler/compare.h"
#include "profiler/machine_watch.h"
#include "profiler/sampling.h"

namespace crescent {
namespace {

/// Keeps the memory and the sorting of very short calls within bounds.
constexpr size_t kSamplesMax = 100'000;

constexpr double kConfidence = 0.95;

double relative_width(const std::vector<double>& values) {
  const Interval interval = median_interval(values, kConfidence);
  return (interval.high - interval.low) / median(values);
}

}  // namespace

Measurement measure(const Candidate& candidate, const MeasureOptions& options, Clock& clock) {
  if (options.samples_min < 1)
    fail("measure: samples_min: expected at least 1, got {}", options.samples_min);
  if (!(options.time_s_max > 0 && std::isfinite(options.time_s_max)))
    fail("measure: time_s_max: expected a positive number, got {}", options.time_s_max);
  if (!(options.width_max > 0))
    fail("measure: width_max: expected a positive number, got {}", options.width_max);
  std::optional<MachineWatch> watch;
  if (options.machine_warnings) watch.emplace();

  const int64_t start_ns = clock.now_ns();
  CandidateSampler sampler(candidate);
  Measurement result;
  result.warm = warm_up({&sampler, 1}, kWarmUpShare * options.time_s_max, clock);

  std::vector<double>& values = result.samples.values;
  result.samples.unit = "ns";
  const size_t needed =
      std::max(static_cast<size_t>(options.samples_min), values_needed(kConfidence));
  size_t next_look = needed;
  double width = INFINITY;
  while (values.size() < kSamplesMax) {
    values.push_back(sampler.sample_ns());
    if (values.size() >= next_look) {
      width = relative_width(values);
      if (width <= options.width_max) break;
      next_look += std::max<size_t>(1, next_look / 4);
    }
    if (seconds_since(start_ns, clock) >= options.time_s_max) break;
  }

  if (watch) result.warnings = watch->warnings();
  if (!result.warm)
    result.warnings.push_back(fmt::format(
        "the times had not settled when the warm-up's share of the time, {:.2g} s, was spent",
        kWarmUpShare * options.time_s_max));
  if (values.size() < needed)
    result.warnings.push_back(
        fmt::format("only {} samples in {:.3g} s, and {} are needed: raise time_s_max",
                    values.size(), options.time_s_max, needed));
  else if (width = relative_width(values); width > options.width_max)
    result.warnings.push_back(fmt::format(
        "the interval of the median is {} wide after {} samples, where width_max asks for {}",
        percent(width), values.size(), percent(options.width_max)));
  std::vector<double> logs;
  logs.reserve(values.size());
  for (double value : values) logs.push_back(std::log(value));
  if (const double drift = drift_of(logs); drift != 0)
    result.warnings.push_back(
        fmt::format("the machine drifted: the last third of the samples took {} {} than the first",
                    percent(std::abs(drift)), drift > 0 ? "longer" : "less"));
  if (const double share = outlier_share(values); share > 0.1)
    result.warnings.push_back(
        fmt::format("{} of the times are outliers (over five standard deviations of the others)",
                    percent(share)));
  return result;
}

}  // namespace crescent
