#include "profiler/store/sweep.h"

#include <SQLiteCpp/Database.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "profiler/store/merge.h"
#include "profiler/store/owner.h"
#include "profiler/store/store.h"
#include "tests/support.h"

namespace crescent {
namespace {

RunRecord experiment(const std::string& script = "heads.lua", const std::string& hash = "d41d") {
  return {.kind = RunKind::experiment,
          .name = "heads",
          .version = 1,
          .definition = "{}",
          .definition_hash = hash,
          .environment = {{"script", script}}};
}

std::vector<CellRecord> grid(int count) {
  std::vector<CellRecord> cells;
  for (int i = 0; i < count; ++i)
    cells.push_back({fmt::format("cell {}", i), fmt::format("{{\"i\":{}}}", i), "tiny", "abc"});
  return cells;
}

RoundRecord round_of(double value, int64_t round = 1, bool last = true) {
  RoundRecord made{.round = round, .last = last, .row = "{}", .text = "t", .build = "b"};
  made.trial.samples = {{"time_ms", {{value, value + 1}, "ms"}}};
  made.trial.duration_ns = 5;
  return made;
}

void finish(Sweep& sweep, const StoredCell& cell, double value) {
  sweep.add_text("t", "{}");
  sweep.begin(cell.id);
  sweep.finish_round(cell.id, round_of(value));
}

std::string statuses(const std::vector<StoredCell>& cells) {
  std::string text;
  for (const StoredCell& cell : cells) text += fmt::format("{} ", name_of(cell.status));
  return text;
}

/// Samples of the cells of a store's newest run, in the grid's order.
std::string values(const std::string& path) {
  const Store store(path);
  const int64_t run = store.last("heads").value_or(0);
  const auto trials = store.trials(run);
  std::string text;
  for (const StoredCell& cell : store.cells(run)) {
    text += fmt::format("{}:{}", cell.position.value_or(0), name_of(cell.status));
    for (const StoredResult& result : cell.results)
      text += fmt::format(
          " {}", trials.at(static_cast<size_t>(result.trial) - 1).samples.at(0).samples.values[0]);
    text += '\n';
  }
  return text;
}

TEST(Sweep, GoesOnWhereItsRunWasLeft) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  {
    Sweep sweep(path, experiment());
    EXPECT_FALSE(sweep.resumed());
    const auto cells = sweep.declare(grid(4));
    EXPECT_EQ(statuses(cells), "pending pending pending pending ");
    finish(sweep, cells[0], 1.5);
    sweep.begin(cells[1].id);
    sweep.fail(cells[1].id, {"broke", "at 3", "last words"}, 7);
    sweep.begin(cells[2].id);  // and is left
  }
  Sweep sweep(path, experiment());
  EXPECT_TRUE(sweep.resumed());
  EXPECT_EQ(sweep.run(), 1);
  const auto cells = sweep.declare(grid(4));
  EXPECT_EQ(statuses(cells), "done failed stale pending ");
  ASSERT_EQ(cells[0].results.size(), 1u);
  EXPECT_EQ(cells[0].results[0].text, "t");
  EXPECT_EQ(cells[0].duration_ns, 5);
  ASSERT_TRUE(cells[1].failure);
  EXPECT_EQ(cells[1].failure->message + cells[1].failure->traceback + cells[1].failure->output,
            "brokeat 3last words");
  EXPECT_EQ(cells[1].attempts, 1);
}

TEST(Sweep, ACellThatDiedWithItsProcessIsStale) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  const pid_t child = ::fork();
  if (child == 0) {
    Sweep sweep(path, experiment());
    sweep.begin(sweep.declare(grid(2))[1].id);
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(Store(path).runs().front().status, RunStatus::killed) << "also to those who only read";
  Sweep sweep(path, experiment());
  EXPECT_EQ(statuses(sweep.declare(grid(2))), "pending stale ");
}

TEST(Sweep, WhatTheGridHasNoLongerKeepsItsResultsWithoutAPosition) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  Sweep sweep(path, experiment());
  finish(sweep, sweep.declare(grid(3))[0], 1.5);
  const std::vector<CellRecord> all = grid(3);
  const auto cells = sweep.declare({all[2], all[1]});
  ASSERT_EQ(cells.size(), 2u);
  EXPECT_EQ(cells[0].identity, "cell 2");
  EXPECT_EQ(cells[0].position, 1);
  const auto stored = Store(path).cells(1);
  EXPECT_EQ(stored.back().identity, "cell 0");
  EXPECT_FALSE(stored.back().position);
  EXPECT_EQ(stored.back().status, CellStatus::done);
  EXPECT_EQ(sweep.declare(grid(3))[0].status, CellStatus::done);
}

TEST(Sweep, ACellIsDoneWithItsLastRound) {
  const TemporaryFolder folder;
  Sweep sweep(folder / "runs.db", experiment());
  const int64_t cell = sweep.declare(grid(1), 2)[0].id;
  sweep.add_text("t", "{}");
  sweep.begin(cell);
  sweep.finish_round(cell, round_of(1, 1, false));
  EXPECT_EQ(statuses(sweep.declare(grid(1), 2)), "pending ");
  sweep.begin(cell);
  sweep.finish_round(cell, round_of(2, 2));
  const auto cells = sweep.declare(grid(1), 2);
  EXPECT_EQ(statuses(cells), "done ");
  EXPECT_EQ(cells[0].results.size(), 2u);
}

TEST(Sweep, FewerOrMoreRoundsThanLastTimeSettleWhatIsDone) {
  const TemporaryFolder folder;
  Sweep sweep(folder / "runs.db", experiment());
  const int64_t cell = sweep.declare(grid(1), 3)[0].id;
  sweep.add_text("t", "{}");
  sweep.begin(cell);
  sweep.finish_round(cell, round_of(1, 1, false));
  EXPECT_EQ(statuses(sweep.declare(grid(1), 3)), "pending ");
  EXPECT_EQ(statuses(sweep.declare(grid(1), 1)), "done ");
  EXPECT_EQ(statuses(sweep.declare(grid(1), 2)), "pending ");
}

TEST(Sweep, KnowsNoCellOfAnotherStore) {
  const TemporaryFolder folder;
  Sweep sweep(folder / "runs.db", experiment());
  EXPECT_EQ(message_of([&] { sweep.begin(7); }),
            "there is no cell 7 in this store; was it trimmed?");
  EXPECT_EQ(message_of([&] { sweep.fail(7, {}, 0); }),
            "there is no cell 7 in this store; was it trimmed?");
}

TEST(Sweep, AFreshOneLeavesTheRunBeforeItAlone) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  {
    Sweep sweep(path, experiment());
    finish(sweep, sweep.declare(grid(1))[0], 1.5);
    sweep.close(RunStatus::done);
  }
  Sweep sweep(path, experiment(), {.fresh = true});
  EXPECT_EQ(sweep.run(), 2);
  EXPECT_EQ(statuses(sweep.declare(grid(1))), "pending ");
  EXPECT_EQ(Store(path).cells(1)[0].status, CellStatus::done);
}

TEST(Sweep, RefusesWhatAnotherProcessWorksOn) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  { Sweep(path, experiment()).declare(grid(1)); }
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  {
    SQLite::Database db(path, SQLite::OPEN_READWRITE);
    const ProcessIdentity ours = this_process();
    db.exec(
        fmt::format("UPDATE runs SET status = 'running', owner_pid = {0}, owner_boot = '{1}', "
                    "owner_namespace = '{2}'",
                    child, ours.boot, ours.pid_namespace));
    // Field 22 of its stat, behind a name that has no blanks here.
    const std::string stat = read_text(fmt::format("/proc/{}/stat", child));
    size_t at = 0;
    for (int i = 0; i < 21; ++i) at = stat.find(' ', at) + 1;
    db.exec(fmt::format("UPDATE runs SET owner_ticks = {}", std::stoll(stat.substr(at))));
  }
  EXPECT_EQ(message_of([&] { Sweep(path, experiment()); }),
            fmt::format("{}: process {} works on run 1 of 'heads' at this moment; wait for it, or "
                        "give each a part and a store of its own: --shard 1/2 --store PATH. If it "
                        "surely is gone: --take-over",
                        path, child));
  EXPECT_EQ(Sweep(path, experiment(), {.take_over = true}).run(), 1);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST(Sweep, RefusesANameThatAnotherScriptHas) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  { Sweep(path, experiment()); }
  EXPECT_EQ(message_of([&] { Sweep(path, experiment("other.lua", "77")); }),
            path +
                ": the name 'heads' is that of an experiment of heads.lua (run 1); give this one "
                "another name, or another store, or, if the script was renamed, say --accept");
  EXPECT_EQ(Sweep(path, experiment("other.lua"), {.accept = true}).run(), 1);
  EXPECT_EQ(Sweep(path, experiment("other.lua")).run(), 1) << "it was said once";
  EXPECT_EQ(message_of([&] { Sweep(path, experiment("absent: no script: typed", "78")); }),
            "no error");
}

/// Shard `part` of two: cells 1, 3, .. or 2, 4, ..
void run_part(const std::string& path, int part) {
  Sweep sweep(path, experiment());
  const auto cells = sweep.declare(grid(5));
  for (size_t i = static_cast<size_t>(part); i < cells.size(); i += 2)
    finish(sweep, cells[i], static_cast<double>(i) + 0.5);
  sweep.close(RunStatus::done);
}

TEST(Merge, PartsInAnyOrderGiveTheRowsOfOneRun) {
  const TemporaryFolder folder;
  const std::string a = folder / "a.db", b = folder / "b.db", ab = folder / "ab.db";
  run_part(a, 0);
  run_part(b, 1);
  const std::string expected = "1:done 0.5\n2:done 1.5\n3:done 2.5\n4:done 3.5\n5:done 4.5\n";
  EXPECT_EQ(merge_store(ab, b).runs_added, 1);
  EXPECT_EQ(merge_store(ab, a).runs_joined, 1);
  EXPECT_EQ(values(ab), expected);
  const MergeResult made = merge_store(a, b);
  EXPECT_EQ(made.cells, 2);
  EXPECT_EQ(made.trials, 2);
  EXPECT_TRUE(made.warnings.empty());
  EXPECT_EQ(values(a), expected);
  const MergeResult again = merge_store(a, b);
  EXPECT_EQ(again.cells + again.trials + again.runs_added + again.runs_joined, 0);
  EXPECT_EQ(values(a), expected);
}

TEST(Merge, WhatIsDoneWinsOverWhatFailedWhateverTheOrder) {
  const TemporaryFolder folder;
  const std::string a = folder / "a.db", b = folder / "b.db", c = folder / "c.db";
  {
    Sweep sweep(a, experiment());
    const auto cells = sweep.declare(grid(2));
    sweep.begin(cells[0].id);
    sweep.fail(cells[0].id, {"broke", "", ""}, 1);
    sweep.close(RunStatus::failed);
  }
  run_part(b, 0);
  merge_store(c, a);
  merge_store(c, b);
  EXPECT_EQ(values(c).substr(0, 10), "1:done 0.5");
  merge_store(b, a);
  EXPECT_EQ(values(b).substr(0, 10), "1:done 0.5");
}

TEST(Merge, SaysThatACellWasDoneInBothWithOtherFigures) {
  const TemporaryFolder folder;
  const std::string a = folder / "a.db", b = folder / "b.db";
  run_part(a, 0);
  Sweep sweep(b, experiment());
  RoundRecord other = round_of(9);
  other.row = R"({"other":1})";
  sweep.add_text("t", "{}");
  const auto cells = sweep.declare(grid(5));
  sweep.begin(cells[0].id);
  sweep.finish_round(cells[0].id, other);
  sweep.close(RunStatus::done);
  EXPECT_EQ(merge_store(a, b).warnings,
            std::vector<std::string>{"1 cell of 'heads' was done in both stores, and gave other "
                                     "figures there: those that were here stay"});
  EXPECT_EQ(values(a).substr(0, 10), "1:done 0.5");
}

TEST(Merge, SaysThatCellsComeFromSeveralTexts) {
  const TemporaryFolder folder;
  const std::string a = folder / "a.db", b = folder / "b.db";
  run_part(a, 0);
  Sweep sweep(b, experiment());
  const auto cells = sweep.declare(grid(2));
  RoundRecord other = round_of(1);
  other.text = "another";
  sweep.add_text("another", "{}");
  sweep.begin(cells[1].id);
  sweep.finish_round(cells[1].id, other);
  EXPECT_EQ(merge_store(a, b).warnings,
            std::vector<std::string>{"run 1 of 'heads' is running there and was left out; merge "
                                     "again when it has ended"});
  sweep.close(RunStatus::done);
  EXPECT_EQ(merge_store(a, b).warnings,
            std::vector<std::string>{"the cells of run 1 of 'heads' come from 2 different texts of "
                                     "the script or builds of crescent"});
}

TEST(Merge, RefusesAStoreAndItselfAndWhatIsNone) {
  const TemporaryFolder folder;
  const std::string a = folder / "a.db";
  run_part(a, 0);
  EXPECT_EQ(message_of([&] { merge_store(a, a); }),
            a + ": expected another store to merge, found the same file");
  EXPECT_EQ(
      message_of([&] { merge_store(a, folder / "none.db"); }),
      (folder / "none.db") + ": there is no such store; the first run that is stored makes it");
}

}  // namespace
}  // namespace crescent
