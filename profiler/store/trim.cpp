// Making a store smaller.
#include <fmt/format.h>

#include <array>

#include "engine/error.h"
#include "profiler/store/connection.h"
#include "profiler/store/insert.h"
#include "profiler/store/store.h"

namespace crescent {
namespace {

constexpr int64_t kDayNs = 86'400'000'000'000;

/// The ids of runs that may go. Those that are running never do.
std::string chosen(const TrimOptions& options) {
  std::string sql = "SELECT id FROM runs WHERE status != 'running'";
  if (options.keep)
    sql += fmt::format(" AND id NOT IN (SELECT id FROM runs ORDER BY id DESC LIMIT {})",
                       *options.keep);
  if (options.older_than_days)
    sql += fmt::format(" AND started_ns < {}",
                       now_ns() - static_cast<int64_t>(*options.older_than_days * kDayNs));
  return sql;
}

/// What rows of a table take in the file, about: their long columns, and the rest of a row.
struct RowBytes {
  const char* table;
  const char* key;  ///< 'run' or 'trial'
  const char* bytes;
};
constexpr std::array kRowBytes = {
    RowBytes{"environment", "run", "length(key) + length(value) + 5"},
    RowBytes{"options", "run", "length(key) + length(value) + 5"},
    RowBytes{"warnings", "run", "length(text) + 5"},
    RowBytes{"artifacts", "run", "length(bytes) + length(name) + 30"},
    RowBytes{"trials", "run", "length(spans) + length(windows) + 40"},
    RowBytes{"cells", "run", "length(point) + length(coalesce(output, '')) + 120"},
    RowBytes{"results", "trial", "length(row) + 60"},
    RowBytes{"samples", "trial", "length(values_json) + 70"},
    RowBytes{"nodes", "trial", "length(name) + 45"},
    RowBytes{"statistics", "trial", "length(site) + 40"},
    RowBytes{"token_totals", "trial", "length(ns_json) + 15"},
    RowBytes{"tracks", "trial", "length(points_json) + 30"},
};

int64_t estimate(StoreConnection& connection, const std::string& runs) {
  constexpr int64_t kRunBytes = 300;
  int64_t bytes = connection.integer(
      fmt::format("SELECT coalesce(sum(length(definition) + {}), 0) FROM runs WHERE id IN ({})",
                  kRunBytes, runs));
  for (const RowBytes& row : kRowBytes) {
    const bool of_run = std::string_view(row.key) == "run";
    bytes += connection.integer(fmt::format(
        "SELECT coalesce(sum({}), 0) FROM {} WHERE {} IN ({})", row.bytes, row.table, row.key,
        of_run ? runs : fmt::format("SELECT id FROM trials WHERE run IN ({})", runs)));
  }
  return bytes;
}

int64_t file_bytes(StoreConnection& connection) {
  return connection.integer("PRAGMA page_count") * connection.integer("PRAGMA page_size");
}

}  // namespace

TrimResult Store::trim(const TrimOptions& options) {
  if (!options.keep && !options.older_than_days)
    fail("expected keep or older_than_days, to know which runs may go; got neither");
  if (!options.dry_run && !writes())
    fail(
        "{}: the store is open for reading; open it with write = true, or look with dry_run = "
        "true",
        path());
  StoreConnection& connection = *connection_;
  const std::string runs = chosen(options);
  TrimResult result;
  const auto count = [&] {
    result.runs = connection.integer(fmt::format("SELECT count(*) FROM ({})", runs));
    result.trials =
        connection.integer(fmt::format("SELECT count(*) FROM trials WHERE run IN ({})", runs));
  };
  if (options.dry_run) {
    connection.told([&] {
      count();
      result.bytes = estimate(connection, runs);
    });
    return result;
  }
  const int64_t before = connection.told([&] { return file_bytes(connection); });
  connection.transaction([&](SQLite::Database& db) {
    count();
    db.exec(fmt::format("DELETE FROM runs WHERE id IN ({})", runs));  // and what refers to them
    db.exec("DELETE FROM texts WHERE hash NOT IN (SELECT text FROM results)");
  });
  if (result.runs == 0) return result;
  try {
    connection.alone("VACUUM");
    connection.alone("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (const StoreError& error) {
    result.warnings.push_back(
        fmt::format("the runs are gone, but the file keeps its size: {}", error.what()));
  }
  result.bytes = before - connection.told([&] { return file_bytes(connection); });
  return result;
}

}  // namespace crescent
