#include "profiler/store/writer.h"

#include <SQLiteCpp/Database.h>
#include <fmt/format.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "profiler/store/connection.h"
#include "profiler/store/store.h"
#include "tests/profiler/store/made_trials.h"
#include "tests/support.h"

namespace crescent {
namespace {

using namespace std::chrono_literals;

TEST(StoreWriter, NumbersTrialsInTheirOrder) {
  const TemporaryFolder folder;
  StoreWriter writer(folder / "runs.db");
  const int64_t first = writer.begin_run(made_run("a"));
  const int64_t second = writer.begin_run(made_run("b"));
  for (uint64_t i = 0; i < 20; ++i) writer.add_trial(i % 2 == 0 ? first : second, made_trial(i));
  writer.flush();
  const Store store(folder / "runs.db");
  for (const int64_t run : {first, second}) {
    const auto trials = store.trials(run);
    ASSERT_EQ(trials.size(), 10u);
    for (size_t i = 0; i < 10; ++i) {
      EXPECT_EQ(trials[i].number, static_cast<int64_t>(i) + 1);
      const uint64_t seed = 2 * i + (run == second);
      EXPECT_EQ(trials[i].duration_ns, made_trial(seed).duration_ns);
    }
  }
}

TEST(StoreWriter, WritesWhatWaitsWhenItEnds) {
  const TemporaryFolder folder;
  {
    StoreWriter writer(folder / "runs.db");
    const int64_t run = writer.begin_run(made_run());
    for (uint64_t i = 0; i < 20; ++i) writer.add_trial(run, made_trial(i));
  }
  const Store store(folder / "runs.db");
  EXPECT_EQ(store.trials(1).size(), 20u);
  EXPECT_EQ(store.run(1)->status, RunStatus::failed);  // nobody said that it was done
}

TEST(StoreWriter, RefusesTrialsThatCouldNotBeReadBack) {
  const TemporaryFolder folder;
  StoreWriter writer(folder / "runs.db");
  const int64_t run = writer.begin_run(made_run());
  const auto refusal = [&](auto change) {
    TrialRecord trial = made_trial(1);
    change(trial);
    return message_of([&] { writer.add_trial(run, trial); });
  };
  EXPECT_EQ(refusal([](auto& trial) { trial.samples[0].samples.values.clear(); }),
            "samples 'token_ms': expected at least one value, got none");
  EXPECT_EQ(refusal([](auto& trial) { trial.samples[0].samples.values[2] = std::nan(""); }),
            "samples 'token_ms': expected finite numbers, got nan at position 3");
  EXPECT_EQ(refusal([](auto& trial) { trial.samples[1].name = "token_ms"; }),
            "samples 'token_ms' came twice");
  EXPECT_EQ(refusal([](auto& trial) { trial.samples[1].name = "tokens"; }),
            "samples 'tokens': a trial has something else of that name; choose another");
  EXPECT_EQ(refusal([](auto& trial) { trial.token_totals[1].section = "decode"; }),
            "token totals of section 'decode' came twice");
  EXPECT_EQ(refusal([](auto& trial) { trial.tracks[1].name = "absent"; }),
            "track 'absent' came twice");
  EXPECT_EQ(refusal([](auto& trial) { trial.tracks[1].times_ns.pop_back(); }),
            "track 'rss': expected as many times as values, got 1 and 2");
  EXPECT_EQ(refusal([](auto& trial) { trial.tracks[1].values[0] = HUGE_VAL; }),
            "track 'rss': expected finite numbers, got inf at position 1");
  EXPECT_EQ(refusal([](auto& trial) { trial.statistics[0].value = HUGE_VAL; }),
            "statistic 'mean_abs' of ffn.activation: expected a finite number, got inf");
  writer.finish_run(run, RunStatus::done);
  EXPECT_EQ(Store(folder / "runs.db").run(run)->status, RunStatus::done);
}

TEST(StoreWriter, ThrowsOnceWhatWentWrongAndKeepsTheOtherTrials) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  StoreWriter writer(path);
  const int64_t run = writer.begin_run(made_run());
  writer.add_trial(run, made_trial(1));
  writer.flush();
  writer.add_trial(99, made_trial(2));
  EXPECT_EQ(message_of([&] { writer.flush(); }),
            path +
                ": there is no run 99 in this store; was it trimmed? (1 trial stored before, 1 "
                "lost)");
  EXPECT_EQ(message_of([&] { writer.flush(); }), "no error");
  writer.add_trial(run, made_trial(3));
  writer.finish_run(run, RunStatus::done);
  EXPECT_EQ(Store(path).trials(run).size(), 2u);
}

TEST(StoreWriter, KeepsWhatIsWrittenWhenTheDiskIsFull) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  std::string problem = "no error";
  int64_t run = 0;
  {
    StoreWriter writer(path, {.pages_max = 200});
    run = writer.begin_run(made_run());
    TrialRecord large = made_trial(1);
    large.spans.assign(40'000, 's');
    for (int i = 0; i < 3; ++i) writer.add_trial(run, large);
    writer.flush();
    large.spans.assign(100'000, 's');
    writer.add_trial(run, large);
    problem = message_of([&] { writer.flush(); });
    writer.add_trial(run, made_trial(2));  // a small one still fits
    writer.finish_run(run, RunStatus::done);
  }
  EXPECT_EQ(problem,
            path +
                ": the disk is full; what was stored before is kept. Free some space, or make "
                "the store smaller: store:trim (3 trials stored before, 1 lost)");
  const Store store(path);
  const auto trials = store.trials(run);
  ASSERT_EQ(trials.size(), 4u);
  EXPECT_EQ(store.spans(trials[2].id).packed.size(), 40'000u);
  EXPECT_EQ(store.run(run)->status, RunStatus::failed);  // a part of it is missing
}

TEST(StoreWriter, KeepsWhatIsWrittenWhenTheFileMayNotGrow) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  std::string problem;
  {
    StoreWriter writer(path);
    const int64_t run = writer.begin_run(made_run());
    writer.add_trial(run, made_trial(1));
    writer.flush();
    TrialRecord large = made_trial(2);
    large.spans.assign(4'000'000, 's');
    const FileSizeLimit limit(1'000'000);
    writer.add_trial(run, large);
    problem = message_of([&] { writer.flush(); });
  }
  EXPECT_NE(problem.find(path + ": "), problem.npos) << problem;
  EXPECT_NE(problem.find("what was stored before is kept"), problem.npos) << problem;
  EXPECT_NE(problem.find("(1 trial stored before, 1 lost)"), problem.npos) << problem;
  EXPECT_EQ(Store(path).trials(1).size(), 1u);
}

TEST(StoreWriter, NamesALockedFileAfterItsPatience) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  StoreWriter writer(path, {.patience = 50ms});
  const int64_t run = writer.begin_run(made_run());
  {
    SQLite::Database other(path, SQLite::OPEN_READWRITE);
    other.exec("BEGIN IMMEDIATE");
    writer.add_trial(run, made_trial(1));
    EXPECT_EQ(message_of([&] { writer.flush(); }),
              path +
                  ": another process holds it locked, for more than 0.05 s; what was stored "
                  "before is kept. To see who: fuser " +
                  path + " (0 trials stored before, 1 lost)");
    EXPECT_EQ(Store(path).runs().size(), 1u);  // readers don't wait
  }
  writer.add_trial(run, made_trial(1));
  writer.flush();
  EXPECT_EQ(Store(path).trials(run).size(), 1u);
}

TEST(StoreWriter, WaitsForAWriterThatIsSlow) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  StoreWriter writer(path);
  const int64_t run = writer.begin_run(made_run());
  SQLite::Database other(path, SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  writer.add_trial(run, made_trial(1));
  std::this_thread::sleep_for(100ms);
  EXPECT_TRUE(Store(path).trials(run).empty());
  other.exec("COMMIT");
  EXPECT_EQ(message_of([&] { writer.flush(); }), "no error");
  EXPECT_EQ(Store(path).trials(run).size(), 1u);
}

TEST(StoreWriter, EndsTheRunsOfProcessesThatDied) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  StoreWriter mine(path);
  const int64_t alive = mine.begin_run(made_run());
  const int64_t dead = mine.begin_run(made_run());
  mine.flush();
  {
    SQLite::Database db(path, SQLite::OPEN_READWRITE, 5000);
    db.exec(fmt::format("UPDATE runs SET owner_ticks = owner_ticks - 1 WHERE id = {}", dead));
  }
  EXPECT_EQ(Store(path).run(dead)->status, RunStatus::killed);  // seen, though not marked
  StoreConnection reading(path, {});
  EXPECT_EQ(reading.integer("SELECT count(*) FROM runs WHERE status = 'running'"), 2);
  const Store opened(path, true);
  EXPECT_EQ(opened.run(dead)->status, RunStatus::killed);
  EXPECT_FALSE(opened.run(dead)->finished);
  EXPECT_EQ(opened.run(alive)->status, RunStatus::running);
}

// Every reader sees whole trials only, and nobody meets a lock.
TEST(StoreConcurrency, TwoWritersAndTenReadersGetAlong) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  constexpr int kTrials = 30;
  { const Store made(path, true); }
  std::atomic<int> writing = 2;
  std::atomic<int64_t> reads = 0;
  std::vector<std::string> problems(12);
  std::vector<std::thread> threads;
  for (size_t w = 0; w < 2; ++w)
    threads.emplace_back([&, w] {
      problems[w] = message_of([&] {
        StoreWriter writer(path);
        const int64_t run = writer.begin_run(made_run(fmt::format("writer {}", w)));
        for (int i = 0; i < kTrials; ++i) {
          writer.add_trial(run, made_trial(static_cast<uint64_t>(i), 50));
          if (i % 5 == 0) writer.flush();
        }
        writer.finish_run(run, RunStatus::done);
      });
      --writing;
    });
  for (size_t r = 2; r < 12; ++r)
    threads.emplace_back([&, r] {
      problems[r] = message_of([&] {
        do {
          const Store store(path);
          for (const RunSummary& run : store.runs())
            for (const StoredTrial& trial : store.trials(run.id))
              if (trial.samples.size() != 2 || trial.samples[1].samples.values.size() != 50)
                fail("trial {} of run {} is not whole", trial.number, run.id);
          ++reads;
        } while (writing > 0);
      });
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& problem : problems) EXPECT_EQ(problem, "no error");
  EXPECT_GE(reads, 10);
  const Store store(path);
  ASSERT_EQ(store.runs().size(), 2u);
  for (const RunSummary& run : store.runs()) {
    EXPECT_EQ(run.trials, kTrials);
    EXPECT_EQ(run.status, RunStatus::done);
  }
}

TEST(StoreConcurrency, ManyWhoMakeTheStoreAtOnceMakeOne) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.db";
  std::vector<std::string> problems(8);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < problems.size(); ++i)
    threads.emplace_back([&, i] {
      problems[i] = message_of([&] {
        StoreWriter writer(path);
        writer.finish_run(writer.begin_run(made_run()), RunStatus::done);
      });
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& problem : problems) EXPECT_EQ(problem, "no error");
  EXPECT_EQ(Store(path).runs().size(), problems.size());
}

}  // namespace
}  // namespace crescent
