#include "profiler/compare_stored.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "engine/error.h"
#include "profiler/store/writer.h"
#include "tests/profiler/fake_machine.h"
#include "tests/profiler/store/made_trials.h"
#include "tests/support.h"

namespace crescent {
namespace {

/// A run of the same thing on another model than `made_run`'s, by its hash.
RunRecord other_model() {
  RunRecord run = made_run("other");
  run.model_hash = "another";
  run.warnings.clear();
  return run;
}

RunRecord plain_run() {
  RunRecord run = made_run();
  run.warnings.clear();
  return run;
}

/// Trials of four tokens around `ms`, each trial a little off, always in the same way.
std::vector<TrialRecord> trials_around(double ms, size_t count) {
  std::vector<TrialRecord> trials;
  for (size_t i = 0; i < count; ++i) {
    const double own = ms * (1 + 0.001 * static_cast<double>(i % 5));
    trials.push_back(
        {.tokens = 4, .samples = {{"token_ms", {{own, own * 1.3, own, own * 0.9}, "ms"}}}});
  }
  return trials;
}

class CompareStored : public testing::Test {
 protected:
  int64_t write(const RunRecord& run, const std::vector<TrialRecord>& trials,
                RunStatus status = RunStatus::done) {
    StoreWriter writer(path());
    const int64_t id = writer.begin_run(run);
    for (const TrialRecord& trial : trials) writer.add_trial(id, trial);
    writer.finish_run(id, status);
    return id;
  }

  StoredComparison compare(StoredCompareOptions options = {}) {
    if (options.runs.empty()) options.runs = {1, 2};
    return compare_stored(Store(path()), options);
  }

  std::string message(const StoredCompareOptions& options = {}) {
    try {
      compare(options);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  std::string path() const { return folder_ / "runs.db"; }

 private:
  TemporaryFolder folder_;
};

bool mentions(const std::vector<std::string>& warnings, const std::string& text) {
  return std::any_of(warnings.begin(), warnings.end(),
                     [&](const std::string& w) { return w.find(text) != w.npos; });
}

TEST_F(CompareStored, GivesTheRatioOfMediansWithTheMediansOfTrialsAsValues) {
  write(plain_run(), trials_around(10, 9));
  write(other_model(), trials_around(12, 9));
  const StoredComparison made = compare();
  EXPECT_EQ(made.measure, "token_ms");
  ASSERT_EQ(made.rows.size(), 2u);
  EXPECT_EQ(made.rows[0].ratio, 1);
  EXPECT_EQ(made.rows[0].run, 1);
  const StoredComparison::Row& row = made.rows[1];
  EXPECT_EQ(row.name, "other");
  EXPECT_TRUE(row.by_trial);
  EXPECT_EQ(row.trials, 9u);
  EXPECT_EQ(row.samples.values.size(), 36u);
  EXPECT_EQ(row.samples.unit, "ms");
  EXPECT_NEAR(row.ratio, 1.2, 1e-9);
  // The smallest over the largest of nine trials, and the other way round.
  EXPECT_NEAR(row.interval.low, 12 / (10 * 1.004), 1e-9);
  EXPECT_NEAR(row.interval.high, 12 * 1.004 / 10, 1e-9);
  EXPECT_NEAR(row.interval.confidence, 1 - 4 / 512.0, 1e-12);
  EXPECT_EQ(row.verdict, Verdict::slower);
}

TEST_F(CompareStored, HoldsAllAgainstTheBaselineThatIsNamed) {
  write(plain_run(), trials_around(10, 9));
  write(other_model(), trials_around(12, 9));
  const StoredComparison made = compare({.runs = {1, 2}, .baseline = 1});
  EXPECT_NEAR(made.rows[0].ratio, 1 / 1.2, 1e-9);
  EXPECT_EQ(made.rows[0].verdict, Verdict::faster);
  EXPECT_EQ(made.rows[1].ratio, 1);
}

TEST_F(CompareStored, SaysNoDifferenceWithinWhatWasAskedFor) {
  write(plain_run(), trials_around(10, 9));
  write(other_model(), trials_around(10, 9));
  EXPECT_EQ(compare().rows[1].verdict, Verdict::no_difference);
  EXPECT_EQ(compare({.runs = {1, 2}, .same_within = 0.001}).rows[1].verdict, Verdict::cannot_tell);
}

TEST_F(CompareStored, CannotTellByTheTokensOfFewTrials) {
  write(plain_run(), trials_around(10, 5));
  write(other_model(), trials_around(100, 20));
  const StoredComparison made = compare();
  EXPECT_FALSE(made.rows[1].by_trial);
  EXPECT_NEAR(made.rows[1].ratio, 10, 0.1);
  EXPECT_EQ(made.rows[1].verdict, Verdict::cannot_tell);
  EXPECT_EQ(made.warnings.back(),
            "run 1 has 5 trials and run 2 20: the values of one trial share the machine's mood, so "
            "that there is no verdict; 0.99 needs 9 trials each");
}

TEST_F(CompareStored, CannotTellWhereTrialsDontReachTheConfidence) {
  write(plain_run(), trials_around(10, 6));
  write(other_model(), trials_around(100, 6));
  const StoredComparison made = compare();
  EXPECT_TRUE(made.rows[1].by_trial);
  EXPECT_EQ(made.rows[1].verdict, Verdict::cannot_tell);
  EXPECT_EQ(made.warnings.back(),
            "run 1 has 6 trials and run 2 6: that reaches a confidence of 0.9375, and 0.99 needs 9 "
            "each");
  EXPECT_EQ(compare({.runs = {1, 2}, .confidence = 0.93}).rows[1].verdict, Verdict::slower);
}

TEST_F(CompareStored, AlwaysWarnsThatRunsWereNotInterleavedWithTheirTimes) {
  write(plain_run(), trials_around(10, 9));
  write(other_model(), trials_around(10, 9));
  const StoredComparison made = compare();
  ASSERT_EQ(made.warnings.size(), 1u);
  const auto minute = [&](size_t row) {
    const std::string& started = made.rows[row].started;
    return started.substr(0, 10) + " " + started.substr(11, 5) + " UTC";
  };
  EXPECT_EQ(made.warnings[0],
            "the runs were not interleaved: run 1 is of " + minute(0) + ", run 2 is of " +
                minute(1) + "; what changed on the machine in between counts as a difference");
}

TEST_F(CompareStored, WarnsOfUnfinishedRunsFailedTrialsAndWhatTheRunsWarnedOf) {
  std::vector<TrialRecord> trials = trials_around(10, 10);
  trials[3].status = TrialStatus::failed;
  RunRecord warned = plain_run();
  warned.warnings = {"the machine is busy", "the machine is busy"};
  write(warned, trials, RunStatus::failed);
  write(other_model(), trials_around(10, 9));
  const StoredComparison made = compare();
  EXPECT_EQ(made.rows[0].trials, 9u);
  EXPECT_TRUE(mentions(made.warnings, "run 1 is not finished: failed"));
  EXPECT_TRUE(mentions(made.warnings, "1 of 10 trials of run 1 failed and are left out"));
  EXPECT_EQ(std::count(made.warnings.begin(), made.warnings.end(), "run 1: the machine is busy"),
            1);
}

TEST_F(CompareStored, ListsWhatElseDiffers) {
  write(plain_run(), trials_around(10, 9));
  RunRecord elsewhere = other_model();
  elsewhere.threads = 4;
  elsewhere.environment = {{"cpu", "another one"}, {"git_commit", "abc"}, {"load_1min", "3"}};
  write(elsewhere, trials_around(10, 9));
  EXPECT_EQ(compare().notes,
            (std::vector<std::string>{"threads: 2 in run 1, 4 in run 2",
                                      "cpu: a machine's name in run 1, another one in run 2",
                                      "git_commit: unknown in run 1, abc in run 2"}));
}

TEST_F(CompareStored, RefusesRunsOfDifferentThingsWithTheDifference) {
  RunRecord a = plain_run(), b = other_model(), c = other_model();
  a.definition = R"({"measure":"decode","tokens":50})";
  b.definition = R"({"measure":"decode","tokens":64})";
  c.definition = R"({"measure":"prefill","mode":"deep","tokens":50})";
  for (const RunRecord& run : {a, b, c}) write(run, trials_around(10, 9));
  EXPECT_EQ(message(), "run 1 and run 2 measured different things: tokens 50 and 64");
  EXPECT_EQ(message({.runs = {1, 3}}),
            "run 1 and run 3 measured different things: measure 'decode' and 'prefill', mode "
            "nothing and 'deep'");
}

TEST_F(CompareStored, RefusesEqualRunsUnlessThatIsWhatIsToBeSeen) {
  write(plain_run(), trials_around(10, 9));
  RunRecord renamed = plain_run();
  renamed.name = "again";
  std::reverse(renamed.options.begin(), renamed.options.end());
  write(renamed, trials_around(10, 9));
  EXPECT_EQ(message(),
            "run 1 and run 2 have the same model, options, threads and environment; give aa = true "
            "to compare a thing with itself");
  EXPECT_EQ(compare({.runs = {1, 2}, .aa = true}).rows[1].verdict, Verdict::no_difference);
}

TEST_F(CompareStored, ComparesAThingWithItselfAfterTheProgramChanged) {
  RunRecord before = plain_run(), after = plain_run();
  before.environment.emplace_back("version.crescent", "0.4");
  after.environment.emplace_back("version.crescent", "0.5");
  write(before, trials_around(10, 9));
  write(after, trials_around(10, 9));
  EXPECT_EQ(compare().notes,
            std::vector<std::string>{"version.crescent: 0.4 in run 1, 0.5 in run 2"});
}

TEST_F(CompareStored, NamesTheMeasuresThatARunHas) {
  std::vector<TrialRecord> trials = trials_around(10, 9);
  for (TrialRecord& trial : trials) trial.samples.push_back({"energy_j", {{2}, "J"}});
  write(plain_run(), trials);
  write(other_model(), trials_around(10, 9));
  EXPECT_EQ(message({.runs = {1, 2}, .measure = "energy_j"}),
            "run 2 has no measure 'energy_j'; it has 'token_ms'");
  EXPECT_EQ(message({.runs = {1, 2}, .measure = "tokens"}),
            "run 1 has no measure 'tokens'; it has 'energy_j', 'token_ms'");
}

TEST_F(CompareStored, ChoosesTheMeasureThatIsUsualOrTheOnlyOne) {
  const auto of = [](std::vector<std::string> names) {
    TrialRecord trial;
    for (const std::string& name : names) trial.samples.push_back({name, {{2}, "ms"}});
    return std::vector(1, trial);
  };
  write(plain_run(), of({"load_ms"}));
  write(other_model(), of({"load_ms", "ttft_ms"}));
  RunRecord third = other_model();
  third.model_hash = "third";
  write(third, of({"load_ms", "ttft_ms"}));
  write(other_model(), {});
  EXPECT_EQ(compare().measure, "load_ms");
  EXPECT_EQ(message({.runs = {2, 3}}),
            "the runs have more than one measure in common: 'load_ms', 'ttft_ms'; give measure = "
            "'NAME'");
  EXPECT_EQ(message({.runs = {1, 4}}), "the runs have no measure in common; give measure = 'NAME'");
  EXPECT_EQ(message({.runs = {1, 4}, .measure = "load_ms"}),
            "run 4 has no measure 'load_ms'; it has none");
}

TEST_F(CompareStored, RefusesWhatHasNoRatio) {
  const auto of = [](double value, const char* unit) {
    return std::vector(1, TrialRecord{.samples = {{"x", {{value}, unit}}}});
  };
  write(plain_run(), of(1, "ms"));
  write(other_model(), of(0, "ms"));
  RunRecord third = other_model();
  third.model_hash = "third";
  write(third, of(1, "s"));
  EXPECT_EQ(message(), "run 2 has values of 'x' that are not above 0: they have no ratio");
  EXPECT_EQ(message({.runs = {1, 3}}), "'x' is in ms in run 1 and in s in run 3");
}

TEST_F(CompareStored, RefusesARunOfDifferentThings) {
  write(plain_run(), trials_around(10, 9));
  std::vector<TrialRecord> grid = trials_around(10, 3);
  for (size_t i = 0; i < grid.size(); ++i) grid[i].candidate = i == 0 ? "ratio 0.1" : "ratio 0.3";
  write(other_model(), grid);
  EXPECT_EQ(message(),
            "run 2 has trials of different things, which can't be taken together: 'ratio 0.1', "
            "'ratio 0.3'");
}

TEST_F(CompareStored, RefusesRunsThatAreNotThere) {
  write(plain_run(), trials_around(10, 9));
  EXPECT_EQ(message({.runs = {1, 9}}), path() + ": there is no run 9");
  EXPECT_EQ(message({.runs = {1}}), "expected at least two runs, got 1");
  EXPECT_EQ(message({.runs = {1, 2}, .baseline = 2}),
            "baseline: expected one of 2 runs, got number 3");
}

TEST(RatioOfMedians, IsRarelyFarFromWhatItIsAndFindsFifteenPerCent) {
  constexpr int kRuns = 2000;
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  const auto draw = [&](double centre) {
    std::vector<double> values(12);
    for (double& value : values) value = centre * std::exp(0.03 * normal(random));
    return values;
  };
  int missed = 0, found = 0;
  for (int run = 0; run < kRuns; ++run) {
    const auto base = draw(5);
    const Interval equal = ratio_of_medians(draw(5), base, 0.99).interval;
    missed += equal.low > 1 || equal.high < 1;
    found += ratio_of_medians(draw(5.75), base, 0.99).interval.low > 1;
  }
  EXPECT_LE(missed, kRuns / 100);
  EXPECT_GE(found, 0.8 * kRuns);
}

/// As a run of bench.compare is stored.
RunRecord live_run() {
  RunRecord run{.kind = RunKind::compare, .name = "levels"};
  run.options = {{"baseline", R"("a")"},
                 {"confidence", "0.99"},
                 {"same_within", "0.02"},
                 {"measure", R"("decode")"},
                 {"seed", "1"}};
  return run;
}

std::vector<TrialRecord> trials_of(const Comparison& comparison) {
  std::vector<TrialRecord> trials;
  for (const Comparison::Row& row : comparison.rows) {
    TrialRecord trial{.candidate = row.name, .samples = {{"latency_ms", row.samples}}};
    if (!row.block_logs.empty()) trial.samples.push_back({kBlockLogs, {row.block_logs, "ln"}});
    trials.push_back(std::move(trial));
  }
  return trials;
}

TEST_F(CompareStored, GivesTheVerdictOfLiveCandidatesAgain) {
  FakeMachine machine((SharedMachineNoise(1)));
  const Candidate candidates[] = {machine.candidate("b", 11e6), machine.candidate("a", 1e7),
                                  machine.candidate("c", 1e7)};
  CompareOptions options;
  options.machine_warnings = false;
  const Comparison live = crescent::compare(candidates, 1, options, machine);
  const int64_t id = write(live_run(), trials_of(live));
  const Store store(path());
  const auto again = comparison_of(*store.run(id), store.trials(id));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->measure, "decode");
  EXPECT_EQ(again->confidence, 0.99);
  EXPECT_EQ(again->comparison.baseline, 1u);
  EXPECT_EQ(again->comparison.blocks, live.blocks);
  ASSERT_EQ(again->comparison.rows.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const Comparison::Row &a = again->comparison.rows[i], &b = live.rows[i];
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.ratio, b.ratio);
    EXPECT_EQ(a.interval.low, b.interval.low);
    EXPECT_EQ(a.interval.high, b.interval.high);
    EXPECT_EQ(a.verdict, b.verdict);
    EXPECT_EQ(a.resolution, b.resolution);
    EXPECT_EQ(a.samples.values, b.samples.values);
  }
  EXPECT_EQ(again->comparison.rows[0].verdict, Verdict::slower);
}

TEST_F(CompareStored, TakesNoComparisonForARunOfItsOwn) {
  FakeMachine machine;
  const Candidate candidates[] = {machine.candidate("a", 1e7), machine.candidate("b", 1e7)};
  CompareOptions options;
  options.machine_warnings = false;
  const std::vector<TrialRecord> trials =
      trials_of(crescent::compare(candidates, 0, options, machine));
  const int64_t id = write(live_run(), trials);
  const int64_t broken = write(live_run(), {trials[1]});
  const int64_t failed = write(live_run(), trials, RunStatus::failed);
  const int64_t profile = write(plain_run(), trials_around(10, 9));
  RunRecord nameless = live_run();
  nameless.options.erase(nameless.options.begin());
  const int64_t unknown = write(nameless, trials);
  EXPECT_EQ(message({.runs = {id, profile}}),
            "run 1 is a comparison of its own: store:run(1) gives its verdicts, which are better "
            "than any of runs that were not interleaved");
  const Store store(path());
  EXPECT_TRUE(comparison_of(*store.run(id), store.trials(id)));
  for (const int64_t other : {broken, failed, profile, unknown})
    EXPECT_FALSE(comparison_of(*store.run(other), store.trials(other))) << other;
}

}  // namespace
}  // namespace crescent
