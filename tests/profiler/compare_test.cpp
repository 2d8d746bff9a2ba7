#include "profiler/compare.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/error.h"
#include "engine/interrupt.h"
#include "tests/profiler/fake_machine.h"

namespace crescent {
namespace {

constexpr double kMs = 1e6;  // ns

CompareOptions quiet_options() {
  CompareOptions options;
  options.machine_warnings = false;  // they would be about the machine that runs the tests
  return options;
}

bool mentions(const std::vector<std::string>& warnings, const std::string& text) {
  return std::any_of(warnings.begin(), warnings.end(),
                     [&](const std::string& w) { return w.find(text) != w.npos; });
}

template <class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

Comparison compare_two(FakeMachine& machine, double ratio, const CompareOptions& options) {
  const Candidate candidates[] = {machine.candidate("a", 10 * kMs),
                                  machine.candidate("b", 10 * kMs * ratio)};
  return compare(candidates, 0, options, machine);
}

TEST(Compare, CallsEqualCandidatesWithTinyNoiseNoDifference) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> tiny(1, 1e-4);
  FakeMachine machine([&](double) { return tiny(random); });
  const Comparison result = compare_two(machine, 1, quiet_options());
  EXPECT_EQ(result.rows[1].verdict, Verdict::no_difference);
  EXPECT_EQ(result.same_within, 0.02);
  EXPECT_NEAR(result.rows[1].ratio, 1, 1e-3);
  EXPECT_TRUE(result.warm);
  EXPECT_EQ(result.blocks, quiet_options().blocks_min);
  EXPECT_EQ(result.warnings, std::vector<std::string>{});
}

TEST(Compare, GivesRatioIntervalAndEverySampleInNs) {
  FakeMachine machine;
  const Comparison result = compare_two(machine, 1.5, quiet_options());
  ASSERT_EQ(result.rows.size(), 2u);
  const Comparison::Row& row = result.rows[1];
  EXPECT_EQ(row.name, "b");
  EXPECT_EQ(row.verdict, Verdict::slower);
  EXPECT_NEAR(row.ratio, 1.5, 1e-12);
  EXPECT_NEAR(row.interval.low, 1.5, 1e-12);
  EXPECT_GE(row.interval.confidence, 0.99);
  EXPECT_NEAR(row.resolution, 0, 1e-12);
  EXPECT_EQ(row.samples.unit, "ns");
  EXPECT_EQ(row.samples.values.size(), 2u * static_cast<size_t>(result.blocks));
  EXPECT_DOUBLE_EQ(row.samples.values[0], 15 * kMs);
  EXPECT_EQ(result.rows[0].ratio, 1);
  EXPECT_EQ(result.rows[0].interval.low, 1);
  EXPECT_EQ(result.rows[0].verdict, Verdict::no_difference);
  EXPECT_NEAR(result.time_s, 1e-9 * static_cast<double>(machine.now_ns()), 1e-9);
}

TEST(Compare, HandsOutItsBlocksSoThatTheIntervalCanBeMadeAgain) {
  FakeMachine machine((SharedMachineNoise(3)));
  const Comparison result = compare_two(machine, 1.1, quiet_options());
  const Comparison::Row& row = result.rows[1];
  ASSERT_EQ(row.block_logs.size(), static_cast<size_t>(result.blocks));
  const Interval again = ratio_of(row.block_logs, quiet_options().confidence);
  EXPECT_EQ(again.low, row.interval.low);
  EXPECT_EQ(again.high, row.interval.high);
  EXPECT_EQ(again.confidence, row.interval.confidence);
  EXPECT_EQ(resolution_of(again), row.resolution);
  EXPECT_EQ(std::exp(median(row.block_logs)), row.ratio);
  EXPECT_TRUE(result.rows[0].block_logs.empty()) << "the baseline's would all be 0";
  // Each block's number is of its own four times.
  const auto& a = result.rows[0].samples.values;
  const auto& b = row.samples.values;
  EXPECT_NEAR(row.block_logs[0], std::log(b[0] * b[1] / (a[0] * a[1])) / 2, 1e-12);
}

TEST(Compare, WarmsUpNoLongerThanItIsToldTo) {
  FakeMachine machine([](double now_s) { return 1 + now_s; });  // never settles
  CompareOptions options = quiet_options();
  options.time_s_max = 100;
  options.blocks_max = 13;
  options.warm_up_s_max = 0.5;
  const Comparison result = compare_two(machine, 1, options);
  EXPECT_FALSE(result.warm);
  EXPECT_GE(result.warm_up_s, 0.5);
  EXPECT_LT(result.warm_up_s, 0.6);
  EXPECT_TRUE(mentions(result.warnings, "when the warm-up's share of the time, 0.5 s, was spent"));
  options.warm_up_s_max = 0;
  EXPECT_EQ(message_of([&] { compare_two(machine, 1, options); }),
            "compare: warm_up_s_max: expected a positive number, got 0");
}

TEST(Compare, RunsEachCandidateTwiceABlockInPalindromesOfRandomOrder) {
  FakeMachine machine;
  std::string before;
  const auto add = [&](const char* name) { return machine.candidate(name, 10 * kMs); };
  const Candidate candidates[] = {add("a"), add("b"), add("c")};
  CompareOptions options = quiet_options();
  options.blocks_min = options.blocks_max = 60;
  compare(candidates, 1, options, machine);
  const std::string blocks = machine.calls().substr(machine.calls().size() - 60 * 6);
  std::set<std::string> orders;
  for (size_t i = 0; i < blocks.size(); i += 6) {
    const std::string block = blocks.substr(i, 6);
    EXPECT_EQ(block, std::string(block.rbegin(), block.rend()));
    EXPECT_EQ(std::set<char>(block.begin(), block.end()).size(), 3u) << block;
    orders.insert(block);
  }
  EXPECT_EQ(orders.size(), 6u) << "all permutations of three";
}

TEST(Compare, DrawsTheSameOrderFromTheSameSeed) {
  const auto calls = [](uint64_t seed) {
    FakeMachine machine;
    CompareOptions options = quiet_options();
    options.seed = seed;
    compare_two(machine, 1, options);
    return machine.calls();
  };
  EXPECT_EQ(calls(1), calls(1));
  EXPECT_NE(calls(1), calls(2));
}

TEST(Compare, StopsAtTheSameBlockWhateverTheRatio) {
  int blocks_most = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    int blocks[2];
    for (const bool differs : {false, true}) {
      FakeMachine machine((SharedMachineNoise(seed)));
      CompareOptions options = quiet_options();
      options.time_s_max = 1000;
      const Comparison result = compare_two(machine, differs ? 2 : 1, options);
      EXPECT_LE(std::log(result.rows[1].interval.high / result.rows[1].interval.low), 0.02);
      blocks[differs] = result.blocks;
    }
    EXPECT_EQ(blocks[0], blocks[1]) << "a verdict that was clear early must not stop it";
    blocks_most = std::max(blocks_most, blocks[1]);
  }
  EXPECT_GT(blocks_most, 2 * quiet_options().blocks_min);
}

TEST(Compare, NeverTakesLongerThanItsTime) {
  FakeMachine machine(SharedMachineNoise(4, 0.1));
  CompareOptions options = quiet_options();
  options.time_s_max = 5;
  const Comparison result = compare_two(machine, 1, options);
  EXPECT_LE(result.time_s, 5);
  EXPECT_GT(result.time_s, 4.8);
  EXPECT_TRUE(mentions(result.warnings, "stopped by time_s_max (5 s) with an interval"))
      << result.warnings.front();
}

TEST(Compare, CannotTellInTooLittleTimeAndSaysSo) {
  FakeMachine machine((SharedMachineNoise(5)));
  const Candidate candidates[] = {machine.candidate("a", 100 * kMs),
                                  machine.candidate("b", 200 * kMs)};
  CompareOptions options = quiet_options();
  options.time_s_max = 5;
  const Comparison result = compare(candidates, 0, options, machine);
  EXPECT_LT(result.blocks, 9);
  EXPECT_EQ(result.rows[1].verdict, Verdict::cannot_tell) << "though it takes twice as long";
  EXPECT_NEAR(result.rows[1].ratio, 2, 0.2);
  EXPECT_DOUBLE_EQ(result.rows[1].interval.confidence, 1 - std::pow(2, 1 - result.blocks));
  EXPECT_EQ(result.warnings,
            (std::vector<std::string>{
                "the times had not settled when the warm-up's share of the time, 1 s, was spent",
                fmt::format("only {} blocks in {:.3g} s, and a confidence of 0.99 needs 9: raise "
                            "time_s_max or make one call shorter",
                            result.blocks, result.time_s)}));
}

TEST(Compare, LetsNoSingleOutlierSetTheInterval) {
  int calls = 0;
  FakeMachine machine([&](double) { return ++calls == 30 ? 100.0 : 1.0; });
  const Comparison result = compare_two(machine, 1, quiet_options());
  std::vector<double> samples = result.rows[0].samples.values;
  samples.insert(samples.end(), result.rows[1].samples.values.begin(),
                 result.rows[1].samples.values.end());
  EXPECT_EQ(*std::max_element(samples.begin(), samples.end()), 1000 * kMs) << "it was timed";
  EXPECT_EQ(result.blocks, quiet_options().blocks_min);
  EXPECT_EQ(result.rows[1].verdict, Verdict::no_difference);
}

TEST(Compare, RunsOneBlockHoweverShortTheTime) {
  FakeMachine machine;
  CompareOptions options = quiet_options();
  options.time_s_max = 1e-6;
  const Comparison result = compare_two(machine, 1, options);
  EXPECT_EQ(result.blocks, 1);
  EXPECT_EQ(result.rows[1].samples.values.size(), 2u);
  EXPECT_EQ(result.rows[1].verdict, Verdict::cannot_tell);
}

TEST(Compare, LeavesTheColdCallsToTheWarmUp) {
  int calls = 0;
  FakeMachine machine([&](double) { return 1 + 3 * std::exp(-calls++ / 3.0); });
  const Comparison result = compare_two(machine, 1, quiet_options());
  EXPECT_TRUE(result.warm);
  EXPECT_LT(
      *std::max_element(result.rows[0].samples.values.begin(), result.rows[0].samples.values.end()),
      10.2 * kMs);
}

TEST(Compare, SaysIfTheTimesNeverSettled) {
  int calls = 0;
  FakeMachine machine([&](double) { return std::pow(0.99, calls++); });
  CompareOptions options = quiet_options();
  options.time_s_max = 1;
  const Comparison result = compare_two(machine, 1, options);
  EXPECT_FALSE(result.warm);
  EXPECT_TRUE(mentions(result.warnings,
                       "the times had not settled when the warm-up's share of the "
                       "time, 0.2 s, was spent"));
}

TEST(Compare, RepeatsShortCallsWithinASample) {
  FakeMachine machine;
  const Candidate candidates[] = {machine.candidate("a", 100), machine.candidate("b", 50'000)};
  const Comparison result = compare(candidates, 0, quiet_options(), machine);
  EXPECT_DOUBLE_EQ(result.rows[0].samples.values[0], 100) << "ns of one call";
  EXPECT_NEAR(result.rows[1].ratio, 500, 1e-6);
  // The end of the calls is a block; each of its runs of 'a' is 200 calls long, or two of them.
  const std::string& calls = machine.calls();
  const size_t last_b = calls.find_last_of('b');
  const size_t after = calls.size() - 1 - last_b;
  EXPECT_TRUE(after == 200 || after == 0) << after;
  EXPECT_EQ(std::count(calls.end() - 402, calls.end(), 'a') +
                std::count(calls.end() - 402, calls.end(), 'b'),
            402);
  EXPECT_EQ(std::count(calls.end() - 402, calls.end(), 'a'), 400);
}

TEST(Compare, SeesThroughAClockThatStepsByAQuarterOfACall) {
  FakeMachine machine;
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> phase(0, 1);
  const auto stepping = [&](const char* name, double time) {  // 256 ns steps, at a random phase
    const Candidate inner = machine.candidate(name, time);
    return Candidate{name, [&phase, &random, inner] {
                       return 256 * std::floor(inner.measure_ns() / 256 + phase(random));
                     }};
  };
  const Candidate candidates[] = {stepping("a", 1000), stepping("b", 1100)};
  const Comparison result = compare(candidates, 0, quiet_options(), machine);
  EXPECT_EQ(result.rows[1].verdict, Verdict::slower);
  EXPECT_NEAR(result.rows[1].ratio, 1.1, 0.02);
}

TEST(Compare, WarnsOfDriftAndOfManyOutliers) {
  FakeMachine drifting([](double now_s) { return 1 + 0.5 * now_s; });
  CompareOptions options = quiet_options();
  options.blocks_min = options.blocks_max = 30;
  EXPECT_TRUE(mentions(compare_two(drifting, 1, options).warnings,
                       "the machine drifted: the last third took"));

  SharedMachineNoise core(1);
  int calls = 0;
  FakeMachine bursts([&](double now_s) { return core(now_s) * (++calls % 5 == 0 ? 3 : 1); });
  const Comparison result = compare_two(bursts, 1, options);
  EXPECT_TRUE(mentions(result.warnings,
                       "% of the times of 'a' are outliers (over five standard "
                       "deviations of the others)"));
  EXPECT_FALSE(mentions(result.warnings, "drifted"));
}

TEST(Compare, RefusesWhatCannotBeCompared) {
  FakeMachine machine;
  const auto run = [&](std::vector<Candidate> candidates, size_t baseline, CompareOptions options) {
    return message_of([&] { compare(candidates, baseline, options, machine); });
  };
  const Candidate good = machine.candidate("a", 10 * kMs);
  EXPECT_EQ(run({good}, 0, quiet_options()), "compare: expected at least two candidates, got 1");
  EXPECT_EQ(run({good, good}, 2, quiet_options()),
            "compare: baseline: expected one of 2 candidates, got number 3");
  CompareOptions options = quiet_options();
  options.time_s_max = 0;
  EXPECT_EQ(run({good, good}, 0, options),
            "compare: time_s_max: expected a positive number, got 0");
  options = quiet_options();
  options.width_max = NAN;
  EXPECT_EQ(run({good, good}, 0, options),
            "compare: width_max: expected a positive number, got nan");
  options = quiet_options();
  options.same_within = -0.1;
  EXPECT_EQ(run({good, good}, 0, options),
            "compare: same_within: expected a positive number, got -0.1");
  options = quiet_options();
  options.confidence = 1;
  EXPECT_EQ(run({good, good}, 0, options),
            "compare: confidence: expected 0 < confidence < 1, got 1");
  options = quiet_options();
  options.blocks_min = 3000;
  EXPECT_EQ(run({good, good}, 0, options),
            "compare: expected 1 <= blocks_min <= blocks_max, got 3000 and 2000");
  EXPECT_EQ(run({good, {"b", [] { return -1.0; }}}, 0, quiet_options()),
            "timing 'b': expected a time in ns, got -1");
  const Candidate nothing = {"b", [&] { return machine.candidate("b", 1000).measure_ns() * 0; }};
  EXPECT_EQ(
      run({good, nothing}, 0, quiet_options()),
      "timing 'b': 10000 calls took no time that the clock can see; do more work in one call");
}

TEST(Compare, EndsWhenInterrupted) {
  FakeMachine machine([](double now_s) {
    if (now_s > 1) interrupt_requested = true;
    return 1;
  });
  EXPECT_EQ(message_of([&] {
              CompareOptions options = quiet_options();
              options.blocks_min = 1000;
              compare_two(machine, 1, options);
            }),
            "interrupted");
  EXPECT_LT(machine.now_ns(), 1.1e9);
  interrupt_requested = false;
}

TEST(VerdictOf, FollowsTheIntervalAlone) {
  const auto verdict = [](double low, double high, double confidence = 0.99) {
    return verdict_of({low, high, confidence}, 0.99, 0.01);
  };
  EXPECT_EQ(verdict(0.95, 0.97), Verdict::faster);
  EXPECT_EQ(verdict(1.002, 1.02), Verdict::slower);
  EXPECT_EQ(verdict(0.98, 0.995), Verdict::faster) << "not wholly within 1 %";
  EXPECT_EQ(verdict(0.991, 0.995), Verdict::no_difference) << "resolved, but within 1 %";
  EXPECT_EQ(verdict(0.995, 1.005), Verdict::no_difference);
  EXPECT_EQ(verdict(0.98, 1.005), Verdict::cannot_tell);
  EXPECT_EQ(verdict(1, 1.02), Verdict::cannot_tell) << "1 itself isn't left out";
  EXPECT_EQ(verdict(1.5, 1.6, 0.98), Verdict::cannot_tell) << "too few blocks for the confidence";
}

TEST(VerdictName, IsWhatReportsPrint) {
  EXPECT_STREQ(name_of(Verdict::faster), "faster");
  EXPECT_STREQ(name_of(Verdict::slower), "slower");
  EXPECT_STREQ(name_of(Verdict::no_difference), "no difference");
  EXPECT_STREQ(name_of(Verdict::cannot_tell), "cannot tell");
}

}  // namespace
}  // namespace crescent
