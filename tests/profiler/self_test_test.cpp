#include "profiler/self_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "tests/profiler/fake_machine.h"
#include "tests/profiler/recorded_noise.h"

namespace crescent {
namespace {

constexpr double kWorkNs = 10e6;

SelfTestOptions rounds_of(int rounds) {
  SelfTestOptions options;
  options.rounds_max = rounds;
  options.time_s_max = 1e6;
  options.machine_warnings = false;  // they would be about the machine that runs the tests
  return options;
}

SelfTest test_on(FakeMachine machine, const SelfTestOptions& options) {
  machine.set_look_ns(1000);
  return self_test(machine.candidate("work", kWorkNs), options, machine);
}

std::string message_of(const SelfTestOptions& options) {
  try {
    test_on(FakeMachine(), options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(SelfTest, FindsEveryDifferenceWithoutNoiseAndNoFalseOne) {
  const SelfTest result = test_on(FakeMachine(), rounds_of(25));
  EXPECT_EQ(result.equal.comparisons, 25);
  EXPECT_EQ(result.equal.told, 0);
  EXPECT_EQ(result.slower.comparisons, 25);
  EXPECT_EQ(result.slower.told, 25);
  EXPECT_EQ(result.slower_wrong, 0);
  EXPECT_EQ(result.block_logs.size(), 25u * 30u);
  EXPECT_EQ(result.noise_core, 0);
  EXPECT_EQ(result.noise_deviation, 0);
  EXPECT_EQ(result.warnings, std::vector<std::string>{});
}

TEST(SelfTest, MeasuresHowLongItsDelayReallyWas) {
  FakeMachine machine;
  machine.set_look_ns(1000);
  SelfTestOptions options = rounds_of(2);
  options.difference = 0.05;
  const SelfTest result = self_test(machine.candidate("work", kWorkNs), options, machine);
  ASSERT_EQ(result.delay_ns.values.size(), 2u);
  EXPECT_EQ(result.delay_ns.unit, "ns");
  EXPECT_NEAR(result.delay_ns.values[0], 0.05 * kWorkNs, 1000);
  EXPECT_NEAR(result.difference_real, 0.05, 1e-4);
  EXPECT_EQ(result.time_ns.values, (std::vector<double>{kWorkNs, kWorkNs}));
}

TEST(SelfTest, SaysWhenTheClocksStepsMakeTheDelayLonger) {
  FakeMachine machine;
  machine.set_look_ns(0.06 * kWorkNs);
  const SelfTest result = self_test(machine.candidate("work", kWorkNs), rounds_of(20), machine);
  EXPECT_NEAR(result.difference_real, 0.06, 1e-9);
  EXPECT_EQ(result.warnings.back(),
            "the injected delay took 6 % of the time in place of 3 %: the clock's steps are too "
            "long beside one call");
}

TEST(SelfTest, TakesTheTwoKindsInTurns) {
  FakeMachine machine;
  machine.set_look_ns(1000);
  int calls = 0;
  const Candidate inner = machine.candidate("work", kWorkNs);
  const Candidate counted{"work", [&] {
                            ++calls;
                            return inner.measure_ns();
                          }};
  std::vector<int> calls_after, expected;
  SelfTestOptions options = rounds_of(3);
  options.on_round = [&](int done, int last) {
    calls_after.push_back(calls);
    EXPECT_EQ(done, static_cast<int>(calls_after.size()));
    EXPECT_EQ(last, 3);
  };
  const SelfTest result = self_test(counted, options, machine);
  // Two comparisons of 30 blocks with 4 calls, and 6 rounds of warm-up of 2 calls each.
  EXPECT_EQ(calls_after, (std::vector<int>{264, 528, 792}));
  EXPECT_EQ(result.equal.comparisons, result.slower.comparisons);
  EXPECT_NEAR(result.pair_s, 4 * kWorkNs * 1e-9, 1e-5);
}

TEST(SelfTest, StopsByTheTimeAndRunsARoundAtLeast) {
  SelfTestOptions options = rounds_of(1000);
  options.time_s_max = 20;  // a round takes 2.66 s: 2 x (120 + 12) calls, and delays
  const SelfTest result = test_on(FakeMachine(), options);
  EXPECT_EQ(result.equal.comparisons, 7);
  EXPECT_LE(result.time_s, 20);
  options.time_s_max = 0.1;
  const SelfTest shortest = test_on(FakeMachine(), options);
  EXPECT_EQ(shortest.equal.comparisons, 1);
  EXPECT_EQ(shortest.block_logs.size(), 30u);
  EXPECT_EQ(shortest.warnings.back(),
            "only 1 comparison of each kind: too few to know how often a verdict is false; raise "
            "time_s_max");
}

TEST(SelfTest, IsRarelyFalseAndFindsThreePerCentInTheNoiseOfASharedMachine) {
  const SelfTest result = test_on(FakeMachine(SharedMachineNoise(1)), rounds_of(300));
  EXPECT_LE(result.equal.told, 3);
  EXPECT_GE(result.slower.told, 270);
  EXPECT_EQ(result.slower_wrong, 0);
  EXPECT_NEAR(result.noise_core, 0.013, 0.003);
  EXPECT_GT(result.noise_deviation, 2 * result.noise_core) << "outliers";
  ASSERT_TRUE(result.needs[1].pairs);
  EXPECT_LE(*result.needs[1].pairs, 30) << "as it found more than nine of ten with 30";
}

TEST(SelfTest, IsRarelyFalseInRecordedNoise) {
  const SelfTest reserved = test_on(FakeMachine(RecordedNoise(kReservedCore, 0)), rounds_of(100));
  EXPECT_LE(reserved.equal.told, 1);
  EXPECT_GE(reserved.slower.told, 90);
  const SelfTest crowded = test_on(FakeMachine(RecordedNoise(kCrowdedMachine, 0)), rounds_of(100));
  EXPECT_LE(crowded.equal.told, 1);
  EXPECT_LT(crowded.slower.told, 50);
  ASSERT_TRUE(crowded.needs[2].pairs);
  EXPECT_GT(*crowded.needs[2].pairs, 30) << "not even ten per cent are easy to tell there";
}

/// The share of comparisons with so many pairs that find a difference.
double found_with(int64_t pairs, double difference, double noise) {
  constexpr int kRuns = 400;
  int found = 0;
  for (uint64_t run = 0; run < kRuns; ++run) {
    std::mt19937_64 random(run);
    std::normal_distribution<double> normal(0, noise);
    FakeMachine machine([&](double) { return std::exp(normal(random)); });
    const Candidate candidates[] = {machine.candidate("a", kWorkNs),
                                    machine.candidate("b", kWorkNs * (1 + difference))};
    CompareOptions options;
    options.blocks_min = options.blocks_max = static_cast<int>(pairs);
    options.time_s_max = 1e6;
    options.same_within = 1e-6;
    options.seed = run;
    options.machine_warnings = false;
    found += compare(candidates, 0, options, machine).rows[1].verdict == Verdict::slower;
  }
  return static_cast<double>(found) / kRuns;
}

TEST(PairsNeeded, AreThoseWithWhichADifferenceIsFoundInNineOfTenComparisons) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal(0, 0.03);
  std::vector<double> logs(20'000);
  for (double& log : logs) log = normal(random);
  // A median of n normal values deviates by sqrt(pi / 2 / n) of their deviation; 2.81 such are the
  // interval's, 1.28 the nine of ten. That is of differences that are small beside the deviation.
  const double theory = std::pow((2.81 + 1.28) * 0.03 / std::log(1.01), 2) * 1.5708;
  const auto three = pairs_needed(logs, 0.03, 0.99), one = pairs_needed(logs, 0.01, 0.99);
  ASSERT_TRUE(three && one);
  EXPECT_NEAR(static_cast<double>(*one), theory, 0.1 * theory);
  EXPECT_NEAR(found_with(*three, 0.03, 0.03), 0.9, 0.04);
  EXPECT_LT(found_with(*three * 2 / 3, 0.03, 0.03), 0.85);
}

TEST(PairsNeeded, AreAtLeastThoseThatTheConfidenceNeeds) {
  const std::vector<double> none(1000, 0.0);
  EXPECT_EQ(pairs_needed(none, 0.01, 0.99), std::optional<int64_t>(9));
  EXPECT_EQ(pairs_needed(none, 0.01, 0.5), std::optional<int64_t>(3));
}

TEST(PairsNeeded, AreUnknownForADifferenceThatIsLostInTheNoise) {
  std::vector<double> logs(1000);
  for (size_t i = 0; i < logs.size(); ++i) logs[i] = i % 2 == 0 ? 1.0 : -1.0;
  EXPECT_EQ(pairs_needed(logs, 0.01, 0.99), std::nullopt);
}

TEST(SelfTest, RefusesOptionsOutOfRange) {
  SelfTestOptions few = rounds_of(1);
  few.pairs = 8;
  EXPECT_EQ(message_of(few),
            "self_test: pairs: expected at least 9, which a confidence of 0.99 needs, got 8");
  SelfTestOptions nothing = rounds_of(1);
  nothing.difference = 0;
  EXPECT_EQ(message_of(nothing), "self_test: difference: expected a positive number, got 0");
  SelfTestOptions sure = rounds_of(1);
  sure.confidence = 1;
  EXPECT_EQ(message_of(sure), "self_test: confidence: expected 0 < confidence < 1, got 1");
  EXPECT_EQ(message_of(rounds_of(0)), "self_test: rounds_max: expected at least 1, got 0");
}

}  // namespace
}  // namespace crescent
