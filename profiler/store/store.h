#pragma once
// Reading a store. A store is one SQLite file (schema.cpp says what is in it) that many processes
// may read and write at once: readers never wait for writers.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "profiler/store/cells.h"
#include "profiler/store/records.h"

namespace crescent {

class StoreConnection;

std::string sqlite_version();
std::string sqlitecpp_version();

struct RunFilter {
  std::optional<std::string> name;
  std::optional<RunKind> kind;
  std::optional<int64_t> limit;  ///< the newest so many
};

/// A value of SQL's.
struct SqlBytes {
  std::string bytes;
  bool operator==(const SqlBytes&) const = default;
};
using SqlValue = std::variant<std::monostate, int64_t, double, std::string, SqlBytes>;
struct SqlTable {
  std::vector<std::string> columns;  ///< each name once
  std::vector<std::vector<SqlValue>> rows;
};
/// For the places in a statement: by position ('?'), or by name (':limit', written without ':').
struct SqlParameters {
  std::vector<SqlValue> by_position;
  std::vector<std::pair<std::string, SqlValue>> by_name;
};

/// What may go: runs that are over and meet all conditions that are given.
struct TrimOptions {
  std::optional<int64_t> keep;            ///< not among the newest so many
  std::optional<double> older_than_days;  ///< began so long ago
  bool dry_run = false;                   ///< only look
};
struct TrimResult {
  int64_t runs = 0, trials = 0;
  int64_t bytes = 0;  ///< that the file got smaller by; an estimate where nothing was done
  std::vector<std::string> warnings;  ///< why the file kept its size
};

class Store {
 public:
  /// @param write  allows trimming and writing queries, and makes the store if there is none.
  /// @throws Error naming the file and what to try: no such file, a folder, not SQLite's, another
  /// program's, a newer crescent's, damaged, not readable. It is then as it was before.
  explicit Store(const std::string& path, bool write = false);
  ~Store();
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;

  const std::string& path() const;
  bool writes() const;

  std::vector<RunSummary> runs(const RunFilter& filter = {}) const;  ///< newest first
  std::optional<StoredRun> run(int64_t id) const;
  std::optional<int64_t> last(const std::optional<std::string>& name = std::nullopt) const;

  std::vector<StoredTrial> trials(int64_t run) const;  ///< in their order
  /// Of an experiment, in the order of its grid; those that are in it no longer last. What ran in a
  /// process that has died is stale.
  std::vector<StoredCell> cells(int64_t run) const;
  StoredSpans spans(int64_t trial) const;
  std::optional<ProfileNode> profile(int64_t trial) const;
  std::vector<StatisticRecord> statistics(int64_t trial) const;
  std::vector<TokenTotals> token_totals(int64_t trial) const;
  std::vector<TrackRecord> tracks(int64_t trial) const;

  std::vector<std::string> artifact_names(int64_t run) const;
  std::optional<ArtifactRecord> artifact(int64_t run, const std::string& name) const;
  std::optional<std::string> decision(const std::string& key, const std::string& machine) const;

  /// One statement of SQL. @throws Error with the statement and why it can't be.
  SqlTable query(const std::string& sql, const SqlParameters& parameters = {});

  TrimResult trim(const TrimOptions& options);

 private:
  std::unique_ptr<StoreConnection> connection_;
};

}  // namespace crescent
