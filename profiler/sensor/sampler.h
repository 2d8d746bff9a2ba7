#pragma once
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "profiler/clock.h"
#include "profiler/ring.h"
#include "profiler/sensor/sensor.h"
#include "profiler/temperature.h"
#include "profiler/trace/chrome.h"

namespace crescent {

/// What is looked at every few milliseconds while something runs. What can't be read is nothing.
struct CounterSample {
  int64_t time_ns = 0;  ///< by the sampler's clock
  std::optional<int64_t> rss_bytes;
  std::optional<double> temperature_c;
  std::optional<double> joules;  ///< of all domains that are added, since the sensor was made
};

struct SamplerOptions {
  int64_t interval_ms = 20;
  size_t capacity = 16384;         ///< samples that are kept until they are drained: 5 minutes
  EnergySensor* sensor = nullptr;  ///< must outlive the sampler; only it reads it meanwhile
  std::string root = "/";
};

/// A thread that samples in the background from construction to destruction. It takes no signals,
/// and what it finds no room for is dropped and counted.
class CounterSampler {
 public:
  /// `clock`: of the recording that the samples belong to. Must be safe to read from two threads.
  CounterSampler(Clock& clock, SamplerOptions options);
  ~CounterSampler();
  CounterSampler(const CounterSampler&) = delete;
  CounterSampler& operator=(const CounterSampler&) = delete;

  /// Takes a last sample and ends the thread; what was sampled can still be drained.
  void stop();
  /// What was sampled since the last call, oldest first. One thread only, the owner's.
  std::vector<CounterSample> drain();
  int64_t dropped() const { return ring_.dropped(); }
  /// The sensor's counters at this moment, as the sampler is the one who may read it. Nothing
  /// without a sensor.
  std::optional<EnergyReading> read_energy();

 private:
  void run();
  CounterSample sample();

  Clock* clock_;
  SamplerOptions options_;
  SystemFiles files_;
  std::optional<TemperatureSource> temperature_;
  Ring<CounterSample> ring_;
  std::mutex sensor_mutex_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

/// Samples as tracks of a trace: 'resident memory' in bytes, 'temperature' in C, 'power' in W: what
/// was spent since the counter moved last, over that time; it has no value where it stands still. A
/// track without values is left out, samples before `start_ns` too.
std::vector<CounterTrack> counter_tracks(const std::vector<CounterSample>& samples,
                                         int64_t start_ns);

}  // namespace crescent
