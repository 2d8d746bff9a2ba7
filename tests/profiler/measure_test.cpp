#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "profiler/compare.h"
#include "tests/profiler/fake_machine.h"

namespace crescent {
namespace {

constexpr double kMs = 1e6;  // ns

MeasureOptions quiet_options() {
  MeasureOptions options;
  options.machine_warnings = false;
  return options;
}

TEST(Measure, StopsWhenTheIntervalOfTheMedianIsNarrow) {
  FakeMachine machine((SharedMachineNoise(1)));
  const Measurement result = measure(machine.candidate("a", 10 * kMs), quiet_options(), machine);
  EXPECT_TRUE(result.warm);
  EXPECT_EQ(result.samples.unit, "ns");
  EXPECT_GE(result.samples.values.size(), 11u);
  EXPECT_LT(machine.now_ns(), 2e9);
  const Interval interval = median_interval(result.samples.values);
  EXPECT_LE((interval.high - interval.low) / median(result.samples.values), 0.02);
  EXPECT_NEAR(median(result.samples.values), 10 * kMs, 0.1 * kMs);
  EXPECT_EQ(result.warnings, std::vector<std::string>{});
}

TEST(Measure, StopsWhenTheTimeIsUpAndSaysHowWideTheIntervalIs) {
  FakeMachine machine(SharedMachineNoise(2, 0.2));
  MeasureOptions options = quiet_options();
  options.time_s_max = 2;
  const Measurement result = measure(machine.candidate("a", 10 * kMs), options, machine);
  EXPECT_GE(machine.now_ns(), 2e9);
  EXPECT_LT(machine.now_ns(), 2.1e9);
  ASSERT_EQ(result.warnings.size(), 1u);
  EXPECT_TRUE(result.warnings[0].starts_with("the interval of the median is "))
      << result.warnings[0];
  EXPECT_TRUE(result.warnings[0].ends_with("where width_max asks for 2 %"));
}

TEST(Measure, SaysIfThereWereTooFewSamples) {
  FakeMachine machine;
  MeasureOptions options = quiet_options();
  options.time_s_max = 10;
  const Measurement result = measure(machine.candidate("a", 3000 * kMs), options, machine);
  EXPECT_EQ(result.samples.values.size(), 3u);
  EXPECT_EQ(result.warnings.back(), "only 3 samples in 10 s, and 11 are needed: raise time_s_max");
}

TEST(Measure, RepeatsShortCallsWithinASample) {
  FakeMachine machine;
  const Measurement result = measure(machine.candidate("a", 500), quiet_options(), machine);
  EXPECT_DOUBLE_EQ(result.samples.values[0], 500);
  EXPECT_GE(machine.calls().size(), result.samples.values.size() * 40);
}

TEST(Measure, WarnsOfDrift) {
  FakeMachine machine([](double now_s) { return 1 + 0.1 * now_s; });
  MeasureOptions options = quiet_options();
  options.width_max = 0.001;
  options.time_s_max = 3;
  const Measurement result = measure(machine.candidate("a", 10 * kMs), options, machine);
  const auto drifted = [](const std::string& warning) {
    return warning.starts_with("the machine drifted: the last third of the samples took ") &&
           warning.ends_with(" longer than the first");
  };
  EXPECT_TRUE(std::any_of(result.warnings.begin(), result.warnings.end(), drifted));
}

TEST(Measure, RefusesOptionsOutOfRange) {
  FakeMachine machine;
  const Candidate candidate = machine.candidate("a", kMs);
  const auto message = [&](MeasureOptions options) -> std::string {
    try {
      measure(candidate, options, machine);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message({.samples_min = 0}), "measure: samples_min: expected at least 1, got 0");
  EXPECT_EQ(message({.time_s_max = -1}), "measure: time_s_max: expected a positive number, got -1");
  EXPECT_EQ(message({.width_max = 0}), "measure: width_max: expected a positive number, got 0");
}

}  // namespace
}  // namespace crescent
