#include <fmt/format.h>
#include <gtest/gtest.h>

#include "profiler/store/store.h"
#include "profiler/store/writer.h"
#include "tests/profiler/store/made_trials.h"
#include "tests/support.h"

namespace crescent {
namespace {

/// Six runs of four trials; the first began 10 days ago, the second 5.
class StoreTrim : public ::testing::Test {
 protected:
  StoreTrim() {
    StoreWriter writer(path_);
    for (int i = 0; i < 6; ++i) {
      const int64_t run = writer.begin_run(made_run());
      for (uint64_t seed = 0; seed < 4; ++seed) {
        TrialRecord trial = made_trial(seed, 200);
        trial.spans.assign(20'000, 's');
        writer.add_trial(run, trial);
      }
      writer.finish_run(run, RunStatus::done);
    }
    writer.flush();
    Store store(path_, true);
    for (const auto& [id, days] : {std::pair{1, 10}, {2, 5}})
      store.query(
          fmt::format("UPDATE runs SET started_ns = started_ns - {} * 86400000000000 "
                      "WHERE id = {}",
                      days, id));
  }
  std::vector<int64_t> ids() const {
    std::vector<int64_t> found;
    for (const RunSummary& run : Store(path_).runs()) found.push_back(run.id);
    return found;
  }
  int64_t rows(const std::string& table) const {
    return std::get<int64_t>(Store(path_).query("SELECT count(*) AS n FROM " + table).rows[0][0]);
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "runs.db";
};

using Ids = std::vector<int64_t>;

TEST_F(StoreTrim, KeepsTheNewestAndMakesTheFileSmaller) {
  const auto size = std::filesystem::file_size(path_);
  const TrimResult planned = Store(path_).trim({.keep = 2, .dry_run = true});
  EXPECT_EQ(ids().size(), 6u);
  const TrimResult done = Store(path_, true).trim({.keep = 2});
  EXPECT_EQ(ids(), (Ids{6, 5}));
  EXPECT_EQ(done.runs, 4);
  EXPECT_EQ(done.trials, 16);
  EXPECT_TRUE(done.warnings.empty());
  EXPECT_EQ(done.bytes, static_cast<int64_t>(size - std::filesystem::file_size(path_)));
  EXPECT_EQ(planned.runs, done.runs);
  EXPECT_EQ(planned.trials, done.trials);
  EXPECT_NEAR(static_cast<double>(planned.bytes), static_cast<double>(done.bytes),
              0.1 * static_cast<double>(done.bytes));
}

TEST_F(StoreTrim, TakesAllRowsOfARunWithIt) {
  Store(path_, true).trim({.keep = 0});
  for (const char* table : {"runs", "environment", "options", "warnings", "trials", "samples",
                            "nodes", "statistics", "token_totals", "tracks"})
    EXPECT_EQ(rows(table), 0) << table;
  StoreWriter writer(path_);
  EXPECT_EQ(writer.begin_run(made_run()), 7);  // numbers are not given twice
}

TEST_F(StoreTrim, TakesRunsThatAreOld) {
  EXPECT_EQ(Store(path_, true).trim({.older_than_days = 7}).runs, 1);
  EXPECT_EQ(ids(), (Ids{6, 5, 4, 3, 2}));
}

TEST_F(StoreTrim, TakesOnlyWhatMeetsBothConditions) {
  EXPECT_EQ(Store(path_, true).trim({.keep = 5, .older_than_days = 1}).runs, 1);
  EXPECT_EQ(ids(), (Ids{6, 5, 4, 3, 2}));
}

TEST_F(StoreTrim, NeverTakesARunThatIsRunning) {
  StoreWriter writer(path_);
  const int64_t running = writer.begin_run(made_run());
  Store(path_, true).trim({.keep = 0});
  EXPECT_EQ(ids(), Ids{running});
}

TEST_F(StoreTrim, RefusesToGuess) {
  EXPECT_EQ(message_of([&] { Store(path_, true).trim({}); }),
            "expected keep or older_than_days, to know which runs may go; got neither");
  EXPECT_EQ(message_of([&] { Store(path_).trim({.keep = 1}); }),
            path_ +
                ": the store is open for reading; open it with write = true, or look with "
                "dry_run = true");
}

}  // namespace
}  // namespace crescent
