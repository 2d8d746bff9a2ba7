#include "profiler/sensor/sampler.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "profiler/sensor/rapl.h"
#include "tests/profiler/sensor/fake_rapl.h"
#include "tests/support.h"

namespace crescent {
namespace {

/// Drains until so many have come; the test's own time limit ends it otherwise.
std::vector<CounterSample> wait_for(CounterSampler& sampler, size_t count) {
  std::vector<CounterSample> samples;
  while (samples.size() < count) {
    for (const CounterSample& sample : sampler.drain()) samples.push_back(sample);
    std::this_thread::yield();
  }
  return samples;
}

TEST(CounterSampler, TellsMemoryTemperatureAndEnergyInTheirOrder) {
  FakeRapl system;
  system.zone("intel-rapl:0", "package-0", 1'000'000)
      .zone("intel-rapl:0:0", "core", 1'000'000)
      .file("proc/self/statm", "5000 1000 10 1 0 1 0\n")
      .file("sys/class/thermal/thermal_zone0/type", "x86_pkg_temp\n")
      .file("sys/class/thermal/thermal_zone0/temp", "45000\n");
  SteadyClock clock;
  RaplSensor sensor(clock, system.root());
  system.energy("intel-rapl:0", 3'500'000).energy("intel-rapl:0:0", 2'000'000);
  CounterSampler sampler(clock, {.interval_ms = 1, .sensor = &sensor, .root = system.root()});
  std::vector<CounterSample> samples = wait_for(sampler, 5);
  const auto reading = sampler.read_energy();
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->joules[0], 2.5);
  sampler.stop();
  for (const CounterSample& sample : sampler.drain()) samples.push_back(sample);
  int64_t last_ns = 0;
  for (const CounterSample& sample : samples) {
    EXPECT_GT(sample.time_ns, last_ns);
    last_ns = sample.time_ns;
    EXPECT_EQ(sample.rss_bytes, 1000 * ::sysconf(_SC_PAGESIZE));
    EXPECT_EQ(sample.temperature_c, 45.0);
    EXPECT_EQ(sample.joules, 2.5) << "the package alone: the core is a part of it";
  }
  EXPECT_EQ(sampler.dropped(), 0);
  EXPECT_TRUE(sampler.drain().empty());
}

TEST(CounterSampler, LeavesOutWhatCanNotBeRead) {
  const FakeSystem nothing;
  SteadyClock clock;
  CounterSampler sampler(clock, {.interval_ms = 1, .root = nothing.root()});
  const CounterSample sample = wait_for(sampler, 1)[0];
  EXPECT_FALSE(sample.rss_bytes);
  EXPECT_FALSE(sample.temperature_c);
  EXPECT_FALSE(sample.joules);
  EXPECT_FALSE(sampler.read_energy());
  EXPECT_TRUE(counter_tracks({sample}, 0).empty());
}

TEST(CounterSampler, HasNoEnergyOnceACounterIsLost) {
  FakeRapl system;
  system.zone("intel-rapl:0", "package-0", 1).zone("intel-rapl:1", "package-1", 1);
  SteadyClock clock;
  RaplSensor sensor(clock, system.root());
  std::filesystem::remove(system.root() + "/" + FakeRapl::path("intel-rapl:1", "energy_uj"));
  CounterSampler sampler(clock, {.interval_ms = 1, .sensor = &sensor, .root = system.root()});
  EXPECT_FALSE(wait_for(sampler, 1)[0].joules);
}

TEST(CounterSampler, SamplesOnceMoreWhenItIsStoppedAndCountsWhatItDrops) {
  SteadyClock clock;
  // The second sample would come in an hour.
  CounterSampler patient(clock, {.interval_ms = 3'600'000});
  EXPECT_GT(wait_for(patient, 1)[0].rss_bytes.value(), 0);
  patient.stop();
  EXPECT_EQ(patient.drain().size(), 1U);
  CounterSampler narrow(clock, {.interval_ms = 1, .capacity = 2});
  while (narrow.dropped() < 3) std::this_thread::yield();
  narrow.stop();
  EXPECT_EQ(narrow.drain().size(), 2U);
}

TEST(CounterSampler, RefusesAnIntervalOfNothing) {
  SteadyClock clock;
  EXPECT_EQ(message_of([&] { CounterSampler(clock, {.interval_ms = 0}); }),
            "counters: expected a sample every 1 ms or less often, found 0 ms");
}

TEST(CounterSampler, TakesNoSignals) {
  // Were it sent to the sampler's thread, it would be taken there while this one blocks it.
  static std::atomic<int> taken{0};
  const auto before = std::signal(SIGUSR1, [](int) { ++taken; });
  sigset_t one, mask;
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  {
    SteadyClock clock;
    CounterSampler sampler(clock, {.interval_ms = 1});
    wait_for(sampler, 1);
    pthread_sigmask(SIG_BLOCK, &one, &mask);
    ::kill(::getpid(), SIGUSR1);
    wait_for(sampler, 3);
    EXPECT_EQ(taken, 0);
    pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    EXPECT_EQ(taken, 1);
  }
  std::signal(SIGUSR1, before);
}

TEST(CounterTracks, AreMemoryTemperatureAndThePowerSinceTheCounterMoved) {
  const std::vector<CounterSample> samples = {
      {.time_ns = 900'000'000, .rss_bytes = 1, .joules = 1.0},
      {.time_ns = 1'000'000'000, .rss_bytes = 4096, .temperature_c = 40, .joules = 2.0},
      {.time_ns = 1'100'000'000, .rss_bytes = 8192, .joules = 2.0},
      {.time_ns = 1'200'000'000, .temperature_c = 41, .joules = 6.0},
      {.time_ns = 1'300'000'000, .rss_bytes = 0},
  };
  const auto tracks = counter_tracks(samples, 1'000'000'000);
  ASSERT_EQ(tracks.size(), 3U);
  EXPECT_EQ(tracks[0].name, "resident memory");
  EXPECT_EQ(tracks[0].unit, "bytes");
  EXPECT_EQ(tracks[0].times_ns, (std::vector<int64_t>{0, 100'000'000, 300'000'000}));
  EXPECT_EQ(tracks[0].values, (std::vector<double>{4096, 8192, 0}));
  EXPECT_EQ(tracks[1].name, "temperature");
  EXPECT_EQ(tracks[1].times_ns, (std::vector<int64_t>{0, 200'000'000}));
  EXPECT_EQ(tracks[1].values, (std::vector<double>{40, 41}));
  EXPECT_EQ(tracks[2].name, "power");
  EXPECT_EQ(tracks[2].unit, "W");
  EXPECT_EQ(tracks[2].times_ns, (std::vector<int64_t>{0, 200'000'000}));
  ASSERT_EQ(tracks[2].values.size(), 2U);
  EXPECT_DOUBLE_EQ(tracks[2].values[0], 10);  // 1 J in the tenth of a second before the start
  EXPECT_DOUBLE_EQ(tracks[2].values[1], 20);  // 4 J since 1.0 s
}

}  // namespace
}  // namespace crescent
