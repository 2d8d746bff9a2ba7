#include "profiler/sensor/sampler.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <system_error>
#include <utility>

#include "engine/error.h"
#include "profiler/machine.h"

namespace crescent {
namespace {

/// Of all domains that are added; nothing once one of them is lost.
std::optional<double> total_joules(const EnergySource& source, const EnergyReading& reading) {
  double total = 0;
  bool any = false;
  for (size_t i = 0; i < source.domains.size(); ++i) {
    if (!source.domains[i].in_total) continue;
    if (!reading.lost[i].empty()) return std::nullopt;
    total += reading.joules[i];
    any = true;
  }
  return any ? std::optional(total) : std::nullopt;
}

/// The host's signal handlers belong to the thread that runs Lua. A new thread inherits what its
/// maker blocks.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

CounterSampler::CounterSampler(Clock& clock, SamplerOptions options)
    : clock_(&clock),
      options_(std::move(options)),
      files_(options_.root),
      temperature_(find_temperature(options_.root)),
      ring_(options_.capacity) {
  if (options_.interval_ms < 1)
    fail("counters: expected a sample every 1 ms or less often, found {} ms", options_.interval_ms);
  const SignalsBlocked blocked;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    fail("counters: the system gave no thread to sample in: {}", error.what());
  }
}

CounterSampler::~CounterSampler() { stop(); }

void CounterSampler::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void CounterSampler::run() {
  const auto interval = std::chrono::milliseconds(options_.interval_ms);
  auto next = std::chrono::steady_clock::now();
  for (bool is_last = false;;) {
    ring_.push(sample());
    if (is_last) return;
    // Where a sample took longer than the interval, those that were missed are not made up for.
    next = std::max(next + interval, std::chrono::steady_clock::now());
    std::unique_lock lock(mutex_);
    is_last = wake_.wait_until(lock, next, [&] { return stopping_; });
  }
}

CounterSample CounterSampler::sample() {
  CounterSample sample;
  sample.time_ns = clock_->now_ns();
  sample.rss_bytes = resident_bytes(files_);
  if (temperature_) sample.temperature_c = temperature_c(files_, *temperature_);
  if (const auto reading = read_energy())
    sample.joules = total_joules(options_.sensor->source(), *reading);
  return sample;
}

std::optional<EnergyReading> CounterSampler::read_energy() {
  if (!options_.sensor) return std::nullopt;
  const std::lock_guard lock(sensor_mutex_);
  return options_.sensor->read();
}

std::vector<CounterSample> CounterSampler::drain() {
  std::vector<CounterSample> samples;
  ring_.drain([&](const CounterSample& sample) { samples.push_back(sample); });
  return samples;
}

std::vector<CounterTrack> counter_tracks(const std::vector<CounterSample>& samples,
                                         int64_t start_ns) {
  CounterTrack memory{.name = "resident memory", .unit = "bytes", .times_ns = {}, .values = {}};
  CounterTrack heat{.name = "temperature", .unit = "C", .times_ns = {}, .values = {}};
  CounterTrack power{.name = "power", .unit = "W", .times_ns = {}, .values = {}};
  const CounterSample* counted = nullptr;  // the last whose counter had moved
  for (const CounterSample& sample : samples) {
    const int64_t time_ns = sample.time_ns - start_ns;
    const auto add = [&](CounterTrack& track, double value) {
      if (time_ns < 0) return;
      track.times_ns.push_back(time_ns);
      track.values.push_back(value);
    };
    if (sample.rss_bytes) add(memory, static_cast<double>(*sample.rss_bytes));
    if (sample.temperature_c) add(heat, *sample.temperature_c);
    if (!sample.joules || (counted && *sample.joules <= *counted->joules)) continue;
    if (counted && sample.time_ns > counted->time_ns)
      add(power, (*sample.joules - *counted->joules) * 1e9 /
                     static_cast<double>(sample.time_ns - counted->time_ns));
    counted = &sample;
  }
  std::vector<CounterTrack> tracks;
  for (CounterTrack* track : {&memory, &heat, &power})
    if (!track->values.empty()) tracks.push_back(std::move(*track));
  return tracks;
}

}  // namespace crescent
