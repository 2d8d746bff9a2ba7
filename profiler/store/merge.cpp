#include "profiler/store/merge.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include "engine/error.h"
#include "profiler/store/connection.h"

namespace crescent {
namespace {

using SQLite::Database;
using SQLite::Statement;

constexpr std::array kOfRun = {"environment", "options", "warnings", "artifacts"};
constexpr std::array kOfTrial = {"samples", "nodes", "statistics", "token_totals", "tracks"};

/// The columns of a table but for those in `without`, with commas between.
std::string columns(Database& db, const std::string& table, std::vector<std::string> without) {
  std::string list;
  Statement query(db, "SELECT name FROM pragma_table_info(?)");
  query.bind(1, table);
  while (query.executeStep()) {
    const std::string name = query.getColumn(0);
    if (std::ranges::find(without, name) != without.end()) continue;
    list += list.empty() ? name : ", " + name;
  }
  return list;
}

/// Runs a statement whose parameters are integers.
template <class... Integers>
void exec(Database& db, const std::string& sql, Integers... values) {
  Statement statement(db, sql);
  int place = 0;
  (statement.bind(++place, int64_t{values}), ...);
  statement.exec();
}

template <class... Integers>
std::optional<int64_t> integer(Database& db, const std::string& sql, Integers... values) {
  Statement statement(db, sql);
  int place = 0;
  (statement.bind(++place, int64_t{values}), ...);
  if (!statement.executeStep() || statement.isColumnNull(0)) return std::nullopt;
  return statement.getColumn(0).getInt64();
}

/// The other store is attached as 'other'.
class Merge {
 public:
  explicit Merge(Database& db) : db_(db) {}

  MergeResult all() {
    db_.exec("INSERT OR IGNORE INTO main.texts SELECT * FROM other.texts");
    Statement runs(db_, "SELECT id, kind, name, status FROM other.runs ORDER BY id");
    while (runs.executeStep()) {
      const int64_t theirs = runs.getColumn(0);
      const std::string kind = runs.getColumn(1), name = runs.getColumn(2);
      if (runs.getColumn(3).getString() == "running") {
        result_.warnings.push_back(fmt::format(
            "run {} of '{}' is running there and was left out; merge again when it has ended",
            theirs, name));
        continue;
      }
      if (kind == "experiment") join(theirs, name);
      else if (!has_same(theirs)) copy_run(theirs, true);
    }
    db_.exec(
        "INSERT OR IGNORE INTO main.decisions SELECT key, machine, value, created FROM "
        "other.decisions");
    return result_;
  }

 private:
  bool has_same(int64_t theirs) {
    return integer(db_,
                   "SELECT 1 FROM main.runs AS ours JOIN other.runs AS theirs ON ours.kind = "
                   "theirs.kind AND ours.name = theirs.name AND ours.started_ns = "
                   "theirs.started_ns AND ours.definition_hash = theirs.definition_hash WHERE "
                   "theirs.id = ?",
                   theirs)
        .has_value();
  }

  int64_t copy_run(int64_t theirs, bool with_trials) {
    const std::string names = columns(db_, "runs", {"id"});
    exec(db_,
         fmt::format("INSERT INTO main.runs ({0}) SELECT {0} FROM other.runs WHERE id = ?", names),
         theirs);
    const int64_t ours = db_.getLastInsertRowid();
    for (const char* table : kOfRun) {
      const std::string rest = columns(db_, table, {"id", "run"});
      exec(db_,
           fmt::format("INSERT INTO main.{0} (run, {1}) SELECT ?, {1} FROM other.{0} WHERE run = ?",
                       table, rest),
           ours, theirs);
    }
    ++result_.runs_added;
    if (!with_trials) return ours;
    Statement trials(db_, "SELECT id FROM other.trials WHERE run = ? ORDER BY number");
    trials.bind(1, theirs);
    while (trials.executeStep()) copy_trial(trials.getColumn(0), ours);
    return ours;
  }

  int64_t copy_trial(int64_t theirs, int64_t run) {
    const std::string rest = columns(db_, "trials", {"id", "run", "number"});
    exec(db_,
         fmt::format("INSERT INTO main.trials (run, number, {0}) SELECT ?1, (SELECT "
                     "coalesce(max(number), 0) + 1 FROM main.trials WHERE run = ?1), {0} FROM "
                     "other.trials WHERE id = ?2",
                     rest),
         run, theirs);
    const int64_t ours = db_.getLastInsertRowid();
    for (const char* table : kOfTrial) {
      const std::string names = columns(db_, table, {"trial"});
      exec(db_,
           fmt::format(
               "INSERT INTO main.{0} (trial, {1}) SELECT ?, {1} FROM other.{0} WHERE trial = ?",
               table, names),
           ours, theirs);
    }
    ++result_.trials;
    return ours;
  }

  void join(int64_t theirs, const std::string& name) {
    const auto known = integer(db_,
                               "SELECT ours.id FROM main.runs AS ours JOIN other.runs AS theirs ON "
                               "ours.kind = theirs.kind AND ours.name = theirs.name AND "
                               "ours.definition_hash = theirs.definition_hash WHERE theirs.id = ? "
                               "ORDER BY ours.id DESC LIMIT 1",
                               theirs);
    const int64_t ours = known ? *known : copy_run(theirs, false);
    const int64_t before = result_.cells;
    kept_ = 0;
    Statement cells(db_, "SELECT id FROM other.cells WHERE run = ? ORDER BY position, id");
    cells.bind(1, theirs);
    while (cells.executeStep()) join_cell(cells.getColumn(0), ours);
    if (kept_ > 0)
      result_.warnings.push_back(fmt::format(
          "{} cell{} of '{}' {} done in both stores, and gave other figures there: those that were "
          "here stay",
          kept_, kept_ == 1 ? "" : "s", name, kept_ == 1 ? "was" : "were"));
    if (result_.cells == before) return;
    result_.runs_joined += known.has_value();
    exec(db_,
         "UPDATE main.runs SET status = 'failed' WHERE id = ?1 AND status != 'running' AND EXISTS "
         "(SELECT 1 FROM main.cells WHERE run = ?1 AND status = 'failed')",
         ours);
    const auto texts = integer(db_,
                               "SELECT count(DISTINCT text || ' ' || build) FROM main.results JOIN "
                               "main.cells ON cells.id = cell WHERE run = ?",
                               ours);
    if (texts.value_or(0) > 1)
      result_.warnings.push_back(
          fmt::format("the cells of run {} of '{}' come from {} different texts of the script or "
                      "builds of crescent",
                      ours, name, *texts));
  }

  /// What a status is worth beside another, and how many rounds stand behind it.
  int64_t worth(const char* store, int64_t cell) {
    return *integer(db_,
                    fmt::format("SELECT CASE status WHEN 'done' THEN 3 WHEN 'failed' THEN 2 WHEN "
                                "'pending' THEN 0 ELSE 1 END * 1000000 + (SELECT count(*) FROM "
                                "{0}.results WHERE cell = cells.id) FROM {0}.cells WHERE id = ?",
                                store),
                    cell);
  }

  /// Whether a cell that both have gave other figures there: it was run twice.
  bool differ(int64_t theirs, int64_t ours) {
    return integer(
               db_,
               "SELECT 1 FROM other.results AS a JOIN main.results AS b ON a.round = b.round WHERE "
               "a.cell = ? AND b.cell = ? AND (a.row != b.row OR EXISTS (SELECT 1 FROM "
               "other.samples "
               "AS c JOIN main.samples AS d ON c.name = d.name WHERE c.trial = a.trial AND d.trial "
               "= "
               "b.trial AND c.values_json != d.values_json)) LIMIT 1",
               theirs, ours)
        .has_value();
  }

  void join_cell(int64_t theirs, int64_t run) {
    auto ours = integer(db_,
                        "SELECT ours.id FROM main.cells AS ours JOIN other.cells AS theirs ON "
                        "ours.identity = theirs.identity WHERE theirs.id = ? AND ours.run = ?",
                        theirs, run);
    const std::string names = columns(db_, "cells", {"id", "run"});
    if (ours) {
      const int64_t theirs_worth = worth("other", theirs), ours_worth = worth("main", *ours);
      if (theirs_worth == ours_worth && differ(theirs, *ours)) ++kept_;
      if (theirs_worth <= ours_worth) return;
      exec(db_,
           "DELETE FROM main.trials WHERE id IN (SELECT trial FROM main.results WHERE cell = ?)",
           *ours);
      constexpr const char* kGiven = "status, attempts, duration_ns, message, traceback, output";
      exec(db_,
           fmt::format("UPDATE main.cells SET ({0}) = (SELECT {0} FROM other.cells WHERE id = ?) "
                       "WHERE id = ?",
                       kGiven),
           theirs, *ours);
    } else {
      exec(db_,
           fmt::format(
               "INSERT INTO main.cells (run, {0}) SELECT ?, {0} FROM other.cells WHERE id = ?",
               names),
           run, theirs);
      ours = db_.getLastInsertRowid();
    }
    ++result_.cells;
    Statement results(db_, "SELECT round, trial FROM other.results WHERE cell = ? ORDER BY round");
    results.bind(1, theirs);
    while (results.executeStep()) {
      const int64_t round = results.getColumn(0);
      const int64_t trial = copy_trial(results.getColumn(1), run);
      exec(db_,
           "INSERT INTO main.results (cell, round, trial, text, build, row) SELECT ?, round, ?, "
           "text, build, row FROM other.results WHERE cell = ? AND round = ?",
           *ours, trial, theirs, round);
    }
  }

  Database& db_;
  MergeResult result_;
  int64_t kept_ = 0;  ///< cells that both have, with other figures
};

}  // namespace

MergeResult merge_store(const std::string& into, const std::string& from) {
  { const StoreConnection other(from, {}); }  // found to be a store before anything is done
  std::error_code error;
  if (std::filesystem::equivalent(into, from, error))
    fail("{}: expected another store to merge, found the same file", from);
  StoreConnection connection(into, {.write = true});
  connection.told([&] {
    Statement attach(connection.database(), "ATTACH ? AS other");
    attach.bind(1, from);
    attach.exec();
  });
  MergeResult result;
  connection.transaction([&](Database& db) { result = Merge(db).all(); });
  return result;
}

}  // namespace crescent
