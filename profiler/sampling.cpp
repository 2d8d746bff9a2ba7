#include "profiler/sampling.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/interrupt.h"

namespace crescent {
namespace {

/// A sample lasts at least this long. steady_clock steps and costs some 20 to 50 ns, which are then
/// at most a quarter per cent.
constexpr double kSampleNs = 20'000;
constexpr int64_t kCallsMax = 10'000;

/// A warm-up round of a candidate lasts at least this long, so that short calls, too, give the
/// processor's frequency and the kernel's huge pages time to settle.
constexpr double kRoundNs = 5e6;
constexpr size_t kWindow = 3;  // rounds

/// True unless the last three rounds are all faster or all slower than the three before. Without
/// a trend that happens in one of ten cases, and then costs one round more. No scale of the noise
/// has to be known; a trend below half a per cent isn't worth waiting for.
bool has_settled(std::span<const double> rounds) {
  if (rounds.size() < 2 * kWindow) return false;
  const auto after = rounds.last(kWindow);
  const auto before = rounds.last(2 * kWindow).first(kWindow);
  const auto [after_min, after_max] = std::minmax_element(after.begin(), after.end());
  const auto [before_min, before_max] = std::minmax_element(before.begin(), before.end());
  const bool overlap = *after_max >= *before_min && *after_min <= *before_max;
  return overlap || std::abs(median(after) / median(before) - 1) < 0.005;
}

/// ns a call, of as many calls as fill a round.
double round_ns(CandidateSampler& sampler, double time_ns, Clock& clock) {
  const int64_t start = clock.now_ns();
  double total = 0;
  int64_t calls = 0;
  do {
    total += sampler.call_ns();
    ++calls;
  } while (calls < kCallsMax && static_cast<double>(clock.now_ns() - start) < time_ns);
  return total / static_cast<double>(calls);
}

}  // namespace

double CandidateSampler::call_ns() {
  check_interrupt();
  const double time = candidate_->measure_ns();
  if (!(time >= 0 && std::isfinite(time)))
    fail("timing '{}': expected a time in ns, got {}", name(), time);
  return time;
}

void CandidateSampler::fit_calls(double call_ns) {
  const double calls = std::ceil(kSampleNs / std::max(call_ns, kSampleNs / kCallsMax));
  calls_ = std::clamp<int64_t>(static_cast<int64_t>(calls), 1, kCallsMax);
}

double CandidateSampler::sample_ns() {
  double total = 0;
  for (int64_t i = 0; i < calls_; ++i) total += call_ns();
  if (total == 0)
    fail("timing '{}': {} calls took no time that the clock can see; do more work in one call",
         name(), calls_);
  return total / static_cast<double>(calls_);
}

bool warm_up(std::span<CandidateSampler> samplers, double time_s_max, Clock& clock) {
  const int64_t start = clock.now_ns();
  const double rounds_expected = 2 * kWindow * static_cast<double>(samplers.size());
  const double time_ns = std::min(kRoundNs, time_s_max * 1e9 / (2 * rounds_expected));
  std::vector<std::vector<double>> rounds(samplers.size());
  bool settled = false;
  do {
    for (size_t i = 0; i < samplers.size(); ++i)
      rounds[i].push_back(round_ns(samplers[i], time_ns, clock));
    settled = std::all_of(rounds.begin(), rounds.end(), has_settled);
  } while (!settled && seconds_since(start, clock) < time_s_max);

  for (size_t i = 0; i < samplers.size(); ++i) {
    const std::span<const double> all = rounds[i];
    samplers[i].fit_calls(median(all.last(std::min(kWindow, all.size()))));
  }
  return settled;
}

double drift_of(std::span<const double> logs) {
  constexpr size_t kThirdMin = 5;  // fewer say nothing about their own noise
  const size_t third = logs.size() / 3;
  if (third < kThirdMin) return 0;
  const auto first = logs.first(third), last = logs.last(third);
  const double drift = median(last) - median(first);
  // The standard error of the median of n normal values is sqrt(pi / 2 / n) of their deviation.
  const double error = std::hypot(mad(first), mad(last)) *
                       std::sqrt(1.5707963267948966 / static_cast<double>(third));
  return std::abs(drift) > std::max(3 * error, 0.01) ? std::expm1(drift) : 0;
}

double outlier_share(std::span<const double> values) {
  const double centre = median(values), deviation = mad(values);
  if (deviation == 0) return 0;  // over half are equal: the clock's steps, not outliers
  const auto far = std::count_if(values.begin(), values.end(), [&](double value) {
    return std::abs(value - centre) > 5 * deviation;
  });
  return static_cast<double>(far) / static_cast<double>(values.size());
}

double seconds_since(int64_t start_ns, Clock& clock) {
  return static_cast<double>(clock.now_ns() - start_ns) * 1e-9;
}

std::string percent(double share) {
  return share < 0.0995 ? fmt::format("{:.2g} %", 100 * share)
                        : fmt::format("{:.0f} %", 100 * share);
}

}  // namespace crescent
