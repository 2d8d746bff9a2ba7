#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "profiler/clock.h"
#include "profiler/compare.h"

namespace crescent {

/// Takes the samples of one candidate: ns a call, over as many calls as the clock needs.
class CandidateSampler {
 public:
  explicit CandidateSampler(const Candidate& candidate) : candidate_(&candidate) {}

  const std::string& name() const { return candidate_->name; }
  /// One call. @throws Error for a time that is negative or not finite.
  double call_ns();
  /// Sets how many calls make a sample, from what one takes.
  void fit_calls(double call_ns);
  /// @throws Error if all calls together took no time by the clock.
  double sample_ns();

 private:
  const Candidate* candidate_;
  int64_t calls_ = 1;
};

/// Runs all in turn until no candidate has a trend that stands out from its noise, or until
/// `time_s_max` is spent, and fits the samples' calls. One round at least. @return whether stable.
bool warm_up(std::span<CandidateSampler> samplers, double time_s_max, Clock& clock);

/// The share of the whole time that warming up may take.
constexpr double kWarmUpShare = 0.2;

/// How much longer the last third took than the first, relative, if that stands out from the noise
/// within the thirds and is worth a word (over 1 %), else 0. `logs` are in the order of time.
double drift_of(std::span<const double> logs);

/// The share of values further from the median than five standard deviations of the core.
double outlier_share(std::span<const double> values);

/// Seconds since `start_ns`.
double seconds_since(int64_t start_ns, Clock& clock);

/// '3.2 %': two digits are what such figures are worth.
std::string percent(double share);

}  // namespace crescent
