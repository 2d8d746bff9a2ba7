#include "profiler/store/store.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <regex>

#include "profiler/store/connection.h"
#include "profiler/store/schema.h"
#include "profiler/store/writer.h"
#include "tests/profiler/store/made_trials.h"
#include "tests/support.h"

namespace crescent {
namespace {

/// The id of a run with one trial.
int64_t write_one(const std::string& path, const TrialRecord& trial) {
  StoreWriter writer(path);
  const int64_t run = writer.begin_run(made_run());
  writer.add_trial(run, trial);
  writer.finish_run(run, RunStatus::done);
  return run;
}

TEST(Store, GivesBackARunAsItWasWritten) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  RunRecord written = made_run();
  written.version = 7;
  int64_t id = 0;
  {
    StoreWriter writer(path);
    id = writer.begin_run(written);
    writer.add_warning(id, "another one");
    writer.add_artifact(id, {"trace.json", "application/json", std::string("{\0}", 3)});
    writer.keep_decision({"kernel 768", "this machine", "dot"});
    writer.finish_run(id, RunStatus::failed);
  }
  const Store store(path);
  const auto run = store.run(id);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->id, id);
  EXPECT_EQ(run->kind, RunKind::profile);
  EXPECT_EQ(run->name, "decode");
  EXPECT_EQ(run->version, 7);
  EXPECT_EQ(run->status, RunStatus::failed);
  EXPECT_EQ(run->definition, written.definition);
  EXPECT_EQ(run->definition_hash, written.definition_hash);
  EXPECT_EQ(run->model, written.model);
  EXPECT_EQ(run->model_hash, written.model_hash);
  EXPECT_EQ(run->threads, 2);
  EXPECT_EQ(run->environment, written.environment);
  EXPECT_EQ(run->options, written.options);
  EXPECT_EQ(run->warnings, (std::vector<std::string>{"the machine is busy", "another one"}));
  EXPECT_TRUE(std::regex_match(
      run->started, std::regex(R"(20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d\.\d{3}Z)")))
      << run->started;
  ASSERT_TRUE(run->finished);
  EXPECT_GE(*run->finished_ns, run->started_ns);
  EXPECT_EQ(store.artifact_names(id), std::vector<std::string>{"trace.json"});
  const auto artifact = store.artifact(id, "trace.json");
  ASSERT_TRUE(artifact);
  EXPECT_EQ(artifact->media_type, "application/json");
  EXPECT_EQ(artifact->bytes, std::string("{\0}", 3));
  EXPECT_FALSE(store.artifact(id, "other"));
  EXPECT_EQ(store.decision("kernel 768", "this machine"), "dot");
  EXPECT_FALSE(store.decision("kernel 768", "another"));
  EXPECT_FALSE(store.run(id + 1));
}

TEST(Store, GivesBackATrialAsItWasWritten) {
  const TemporaryFolder folder;
  const TrialRecord written = made_trial(1, 200);
  const int64_t run = write_one(folder / "runs.db", written);
  const Store store(folder / "runs.db");
  const auto trials = store.trials(run);
  ASSERT_EQ(trials.size(), 1u);
  const StoredTrial& trial = trials.front();
  EXPECT_EQ(trial.number, 1);
  EXPECT_EQ(trial.candidate, "level 1");
  EXPECT_EQ(trial.status, TrialStatus::done);
  EXPECT_EQ(trial.tokens, 200);
  EXPECT_EQ(trial.duration_ns, written.duration_ns);
  ASSERT_EQ(trial.samples.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(trial.samples[i].name, i == 0 ? "third" : "token_ms");
    EXPECT_EQ(trial.samples[i].samples.unit, "ms");
    EXPECT_EQ(trial.samples[i].samples.values, written.samples[1 - i].samples.values);
  }
  EXPECT_EQ(store.spans(trial.id).packed, written.spans);
  EXPECT_EQ(store.spans(trial.id).windows, written.windows);
  const auto statistics = store.statistics(trial.id);
  ASSERT_EQ(statistics.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(statistics[i].section, written.statistics[i].section);
    EXPECT_EQ(statistics[i].site, written.statistics[i].site);
    EXPECT_EQ(statistics[i].layer, written.statistics[i].layer);
    EXPECT_EQ(statistics[i].head, written.statistics[i].head);
    EXPECT_EQ(statistics[i].name, written.statistics[i].name);
    EXPECT_EQ(statistics[i].value, written.statistics[i].value);
    EXPECT_EQ(statistics[i].count, written.statistics[i].count);
  }
  const auto totals = store.token_totals(trial.id);
  ASSERT_EQ(totals.size(), 2u);
  EXPECT_EQ(totals[0].section, "decode");
  EXPECT_EQ(totals[0].ns, written.token_totals[0].ns);
  const auto tracks = store.tracks(trial.id);
  ASSERT_EQ(tracks.size(), 2u);
  EXPECT_EQ(tracks[0].label, TrackLabel::absent);
  EXPECT_EQ(tracks[0].reason, "no RAPL counters: permission denied");
  EXPECT_EQ(tracks[1].times_ns, written.tracks[1].times_ns);
  EXPECT_EQ(tracks[1].values, written.tracks[1].values);
}

TEST(Store, RebuildsAProfileExactly) {
  const TemporaryFolder folder;
  const TrialRecord written = made_trial(1);
  const int64_t run = write_one(folder / "runs.db", written);
  const Store store(folder / "runs.db");
  const auto profile = store.profile(store.trials(run).front().id);
  ASSERT_TRUE(profile);
  expect_equal(*profile, *written.profile);
  EXPECT_FALSE(store.profile(12345));
}

TEST(Store, AnswersPlainSql) {
  const TemporaryFolder folder;
  TrialRecord trial = made_trial(1);
  trial.samples = {{"token_ms", {{3, 1, 2, 5, 4, 6, 7}, "ms"}}};
  write_one(folder / "runs.db", trial);
  SQLite::Database db(folder / "runs.db");
  const auto row = [&](const char* sql) {
    SQLite::Statement query(db, sql);
    std::string line;
    while (query.executeStep()) {
      if (!line.empty()) line += " / ";
      for (int i = 0; i < query.getColumnCount(); ++i)
        line += (i == 0 ? "" : " ") + query.getColumn(i).getString();
    }
    return line;
  };
  EXPECT_EQ(row("SELECT median, low, high, count FROM samples"), "4.0 1.0 7.0 7");
  EXPECT_EQ(row("SELECT position, value FROM sample_values LIMIT 3"), "0 3 / 1 1 / 2 2");
  EXPECT_EQ(row("SELECT section, token, ns FROM token_ns"),
            "decode 1 1234567 / decode 2 0 / prefill 0 7654321");
  EXPECT_EQ(row("SELECT time_ns, value FROM track_values WHERE name = 'rss'"), "0 1.5 / 1000 4096");
  EXPECT_EQ(row("SELECT name, section FROM nodes WHERE layer = 11"), "layer 12 decode");
  EXPECT_EQ(row("PRAGMA journal_mode"), "wal");
}

TEST(Store, ListsRunsNewestFirstAndFiltered) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  {
    StoreWriter writer(path);
    for (const char* name : {"a", "b", "a"}) {
      const int64_t run = writer.begin_run(made_run(name));
      writer.add_trial(run, made_trial(1));
      writer.finish_run(run, RunStatus::done);
    }
    RunRecord bench = made_run("a");
    bench.kind = RunKind::bench;
    writer.finish_run(writer.begin_run(bench), RunStatus::done);
  }
  const Store store(path);
  const auto ids = [&](const RunFilter& filter) {
    std::vector<int64_t> found;
    for (const RunSummary& run : store.runs(filter)) found.push_back(run.id);
    return found;
  };
  using Ids = std::vector<int64_t>;
  EXPECT_EQ(ids({}), (Ids{4, 3, 2, 1}));
  EXPECT_EQ(ids({.name = "a"}), (Ids{4, 3, 1}));
  EXPECT_EQ(ids({.kind = RunKind::bench}), (Ids{4}));
  EXPECT_EQ(ids({.name = "a", .limit = 2}), (Ids{4, 3}));
  EXPECT_EQ(ids({.name = "c"}), Ids{});
  EXPECT_EQ(store.runs()[0].trials, 0);
  EXPECT_EQ(store.runs()[1].trials, 1);
  EXPECT_EQ(store.last(), 4);
  EXPECT_EQ(store.last("b"), 2);
  EXPECT_FALSE(store.last("c"));
}

// ---- what is refused

std::string refusal(const std::string& path, bool write = false) {
  return message_of([&] { Store(path, write); });
}

TEST(StoreRefuses, WhatIsNotThere) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  EXPECT_EQ(refusal(path),
            path + ": there is no such store; the first run that is stored makes it");
  EXPECT_TRUE(folder.names().empty());
  const std::string below = folder / "no/runs.db";
  EXPECT_EQ(refusal(below, true),
            below + ": there is no folder " + (folder / "no") + "; make it first");
  EXPECT_EQ(refusal(""), "expected the path of a store, got ''");
}

TEST(StoreRefuses, AnEmptyFileForReading) {
  const TemporaryFolder folder;
  folder.write("runs.db", "");
  const std::string path = folder / "runs.db";
  EXPECT_EQ(refusal(path), path + ": is empty; the first run that is stored makes a store of it");
  EXPECT_EQ(refusal(path, true), "no error");
  EXPECT_EQ(refusal(path), "no error");
}

TEST(StoreRefuses, AFolder) {
  const TemporaryFolder folder;
  const std::string path = folder.path();
  EXPECT_EQ(refusal(path, true),
            path + ": expected a store, found a folder; name a file in it: " + path + "/runs.db");
  EXPECT_EQ(refusal("/dev/null"), "/dev/null: expected a store, found no regular file");
}

TEST(StoreRefuses, WhatCantBeWritten) {
  // Not even root makes files here.
  const std::string path = "/proc/runs.db";
  EXPECT_EQ(refusal(path, true), path + ": can't be opened: unable to open database file");
  if (::geteuid() == 0) return;
  const TemporaryFolder folder;
  write_one(folder / "runs.db", made_trial(1));
  std::filesystem::permissions(folder / "runs.db", std::filesystem::perms::owner_read);
  EXPECT_EQ(refusal(folder / "runs.db", true),
            (folder / "runs.db") + ": can't be written: Permission denied");
  EXPECT_EQ(refusal(folder / "runs.db"), "no error");
}

TEST(StoreRefuses, AFileThatIsNoDatabaseAndLeavesItAsItIs) {
  const TemporaryFolder folder;
  for (const std::string& text : {std::string("return 1\n"), std::string(5000, 'x')}) {
    folder.write("runs.db", text);
    const std::string path = folder / "runs.db";
    for (const bool write : {false, true})
      EXPECT_EQ(refusal(path, write),
                path + ": expected a store, found a file that is no SQLite database");
    EXPECT_EQ(read_text(path), text);
    EXPECT_EQ(folder.names(), std::vector<std::string>{"runs.db"});
  }
}

TEST(StoreRefuses, AnotherProgramsDatabaseAndLeavesItAsItIs) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  {
    SQLite::Database other(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    other.exec("CREATE TABLE runs (a); PRAGMA application_id = 0x42; PRAGMA user_version = 1");
  }
  const std::string before = read_text(path);
  for (const bool write : {false, true})
    EXPECT_EQ(refusal(path, write),
              path +
                  ": expected a store, found another program's database (application id "
                  "0x00000042, not 0x63726573)");
  EXPECT_EQ(read_text(path), before);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"runs.db"});
}

TEST(StoreRefuses, ANewerStoreAndLeavesItAsItIs) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  write_one(path, made_trial(1));
  {
    SQLite::Database db(path, SQLite::OPEN_READWRITE);
    db.exec("PRAGMA user_version = 99");
  }
  const std::string before = read_text(path);
  for (const bool write : {false, true})
    EXPECT_EQ(refusal(path, write),
              path +
                  ": is a store of version 99, made by a newer crescent; this one knows version "
                  "2 and leaves it as it is");
  EXPECT_EQ(read_text(path), before);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"runs.db"});
}

TEST(StoreRefuses, ANewerStoreWhoseVersionIsOnlyInItsLog) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  write_one(path, made_trial(1));
  SQLite::Database db(path, SQLite::OPEN_READWRITE);
  db.exec("PRAGMA user_version = 99");  // stays in the log while this is open
  EXPECT_EQ(refusal(path, true),
            path +
                ": is a store of version 99, made by a newer crescent; this one knows version 2 "
                "and leaves it as it is");
}

/// A store of 50 trials, of which some bytes in the middle are overwritten.
void write_damaged(const TemporaryFolder& folder, const std::string& name) {
  {
    StoreWriter writer(folder / name);
    const int64_t run = writer.begin_run(made_run());
    for (uint64_t seed = 0; seed < 50; ++seed) writer.add_trial(run, made_trial(seed, 100));
    writer.finish_run(run, RunStatus::done);
  }
  std::string bytes = read_text(folder / name);
  const auto middle = bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2);
  std::fill(middle, middle + 8192, static_cast<char>(0xa5));
  folder.write(name, bytes);
}

std::string problem_of_reading(const std::string& path) {
  return message_of([&] {
    const Store store(path);
    for (const StoredTrial& trial : store.trials(1)) store.profile(trial.id);
  });
}

std::string damaged(const std::string& path, const std::string& why) {
  return path + ": the store is damaged (" + why +
         "). To save its rows:\n  (echo 'PRAGMA application_id = 1668441459; PRAGMA user_version = "
         "2;'; sqlite3 '" +
         path + "' .dump | sed 's/^ROLLBACK.*/COMMIT;/') | sqlite3 NEW.db";
}

TEST(StoreRefuses, ADamagedOne) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs 1.db";
  write_one(path, made_trial(1));
  const std::string bytes = read_text(path);
  EXPECT_EQ(problem_of_reading(path), "no error");
  folder.write("runs 1.db", bytes.substr(0, 2048));
  EXPECT_EQ(problem_of_reading(path), damaged(path, "database disk image is malformed"));
  folder.write("runs 1.db", bytes);
  {
    SQLite::Database db(path, SQLite::OPEN_READWRITE);
    db.exec("DROP TABLE nodes");
  }
  EXPECT_EQ(problem_of_reading(path), damaged(path, "there is no table nodes"));
  folder.write("runs 1.db", bytes);
  {
    SQLite::Database db(path, SQLite::OPEN_READWRITE);
    db.exec("UPDATE samples SET values_json = '[1,x]'");
  }
  EXPECT_EQ(problem_of_reading(path),
            damaged(path, "expected a list of numbers, found something else at byte 3"));
  folder.write("runs 1.db", bytes);
  {
    SQLite::Database db(path, SQLite::OPEN_READWRITE);
    db.exec(
        "UPDATE nodes SET parent = 9 WHERE node = 1; UPDATE nodes SET kind = 'x' WHERE node = 2");
  }
  EXPECT_EQ(problem_of_reading(path), damaged(path, "expected a kind of node, found 'x'"));
}

TEST(Store, OpensAfterItsRowsWereSavedAsTheErrorSays) {
  if (std::system("command -v sqlite3 >/dev/null") != 0) GTEST_SKIP() << "no sqlite3 on PATH";
  const TemporaryFolder folder;
  write_damaged(folder, "runs.db");
  const std::string problem = problem_of_reading(folder / "runs.db");
  const size_t command = problem.find("\n  ");
  ASSERT_NE(command, problem.npos) << problem;
  EXPECT_TRUE(problem.starts_with((folder / "runs.db") + ": the store is damaged (")) << problem;
  const std::string line =
      fmt::format("cd '{}' && {} 2>/dev/null", folder.path().string(), problem.substr(command + 3));
  EXPECT_EQ(std::system(line.c_str()), 0) << line;
  Store store(folder / "NEW.db");
  EXPECT_TRUE(store.run(1));
  const auto saved = std::get<int64_t>(
      store
          .query("SELECT (SELECT count(*) FROM trials) + (SELECT count(*) FROM samples) + "
                 "(SELECT count(*) FROM nodes) AS n")
          .rows[0][0]);
  constexpr int64_t kWritten = 50 * (1 + 2 + 5);
  EXPECT_GT(saved, kWritten / 2);
  EXPECT_LT(saved, kWritten);
}

// ---- versions

TEST(StoreVersions, AnOlderStoreIsBroughtForwardByWhoOpensItForWriting) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  const int64_t run = write_one(path, made_trial(1));
  const int ours = store_version(), next = ours + 1;
  std::vector<Migration> steps(migrations().begin(), migrations().end());
  steps.push_back({next, "ALTER TABLE runs ADD COLUMN note TEXT"});
  EXPECT_EQ(message_of([&] { StoreConnection(path, {.steps = steps}); }),
            fmt::format("{}: is a store of version {}; this crescent reads version {}, and brings "
                        "it there when the store is opened with write = true",
                        path, ours, next));
  {
    StoreConnection forward(path, {.write = true, .steps = steps});
    EXPECT_EQ(forward.integer("PRAGMA user_version"), next);
    EXPECT_EQ(forward.integer("SELECT count(*) FROM runs WHERE note IS NULL"), run);
  }
  EXPECT_EQ(refusal(path),
            fmt::format("{}: is a store of version {}, made by a newer crescent; this one knows "
                        "version {} and leaves it as it is",
                        path, next, ours));
}

TEST(StoreVersions, AStoreFromBeforeExperimentsKeepsItsRuns) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  {
    SQLite::Database db(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    migrate(db, 0, migrations().first(1));
    db.exec(fmt::format("PRAGMA application_id = {}", kStoreApplication));
    db.exec(
        "INSERT INTO runs (kind, name, status, started, started_ns, model, model_hash, "
        "definition_hash, definition) VALUES ('bench', 'old', 'done', '', 0, '', '', '', '')");
  }
  const Store store(path, true);
  EXPECT_EQ(store.runs().front().name, "old");
  EXPECT_TRUE(store.cells(1).empty());
}

TEST(StoreVersions, AStepThatFailsLeavesTheStoreAsItWas) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  write_one(path, made_trial(1));
  std::vector<Migration> steps(migrations().begin(), migrations().end());
  steps.push_back({store_version() + 1,
                   "ALTER TABLE runs ADD COLUMN note TEXT; ALTER TABLE none ADD COLUMN x"});
  EXPECT_EQ(message_of([&] { StoreConnection(path, {.write = true, .steps = steps}); }),
            path + ": no such table: none");
  EXPECT_EQ(refusal(path, true), "no error");
  StoreConnection same(path, {});
  EXPECT_EQ(same.integer("SELECT count(*) FROM pragma_table_info('runs') WHERE name = 'note'"), 0);
}

}  // namespace
}  // namespace crescent
