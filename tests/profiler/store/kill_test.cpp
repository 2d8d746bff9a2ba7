// kill -9 at random moments of a writing process. CRESCENT_KILLS and CRESCENT_KILL_SEED make it
// more than the ten of every test run: ./dev kill-test.
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include "profiler/store/store.h"
#include "tests/support.h"

extern char** environ;  // NOLINT: POSIX

namespace crescent {
namespace {

int64_t number_from(const char* variable, int64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text && *text ? std::stoll(text) : otherwise;
}

/// Lets a writer work on the store for so long, then kills it. False if it ended by itself.
bool write_and_kill(std::string path, std::chrono::microseconds after) {
  std::string program = CRESCENT_KILL_WRITER;
  char* arguments[] = {program.data(), path.data(), nullptr};
  pid_t writer = 0;
  if (::posix_spawn(&writer, program.c_str(), nullptr, nullptr, arguments, environ) != 0)
    return false;
  std::this_thread::sleep_for(after);
  ::kill(writer, SIGKILL);
  int status = 0;
  ::waitpid(writer, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

std::string first(SQLite::Database& db, const char* sql) {
  SQLite::Statement query(db, sql);
  return query.executeStep() ? query.getColumn(0).getString() : "";
}

/// What is wrong with the file, or "". A file that is not there yet, or empty, is a store that was
/// not made yet.
std::string problem_of(const std::string& path) {
  if (!std::filesystem::exists(path)) return "";
  SQLite::Database db(path, SQLite::OPEN_READWRITE, 10'000);
  const std::string integrity = first(db, "PRAGMA integrity_check");
  if (integrity != "ok") return integrity;
  if (first(db, "PRAGMA user_version") == "0") return "";
  const std::string broken = first(db, R"sql(
    SELECT 'trial ' || number || ' of run ' || run || ' is not whole' FROM trials AS t WHERE
      samples != tokens
      OR tokens != (SELECT sum(json_array_length(values_json)) FROM samples WHERE trial = t.id)
      OR tokens != (SELECT sum(count) FROM samples WHERE trial = t.id)
      OR tokens != (SELECT count(*) FROM statistics WHERE trial = t.id)
      OR tokens + 1 != (SELECT count(*) FROM nodes WHERE trial = t.id)
      OR 100 * tokens != length(spans)
    LIMIT 1)sql");
  if (!broken.empty()) return broken;
  const std::string gap = first(db, R"sql(
    SELECT 'run ' || run || ' has a gap' FROM trials GROUP BY run
    HAVING count(*) != max(number) LIMIT 1)sql");
  if (!gap.empty()) return gap;
  return first(db, "PRAGMA foreign_key_check");
}

TEST(StoreKill, LeavesWholeTrialsWheneverItHappens) {
  const TemporaryFolder folder;
  const int64_t kills = number_from("CRESCENT_KILLS", 10);
  const int64_t seed = number_from("CRESCENT_KILL_SEED", 1);
  std::mt19937_64 random(static_cast<uint64_t>(seed));
  int64_t trials = 0;
  std::string path;
  for (int64_t i = 0; i < kills; ++i) {
    // A new file now and then: the moments in which a store is made count too.
    if (i % 5 == 0) path = folder / fmt::format("runs{}.db", i);
    const std::chrono::microseconds after(random() % (i % 5 == 0 ? 40'000 : 150'000));
    ASSERT_TRUE(write_and_kill(path, after)) << "the writer ended by itself";
    ASSERT_EQ(problem_of(path), "")
        << "kill " << i << " of seed " << seed << " after " << after.count() << " us";
    if (i % 5 != 4) continue;
    const Store store(path, true);  // finds out whose process died
    for (const RunSummary& run : store.runs()) {
      EXPECT_EQ(run.status, RunStatus::killed) << run.id;
      trials += run.trials;
    }
  }
  EXPECT_GT(trials, 0) << "no trial was committed before a kill";
  std::printf("%lld kills, %lld whole trials\n", static_cast<long long>(kills),
              static_cast<long long>(trials));
}

}  // namespace
}  // namespace crescent
