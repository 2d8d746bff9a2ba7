#include "profiler/store/sweep.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "engine/error.h"
#include "profiler/store/connection.h"
#include "profiler/store/insert.h"
#include "profiler/store/owner.h"

namespace crescent {
namespace {

using SQLite::Statement;

constexpr std::array kStatuses = {
    std::pair{CellStatus::pending, "pending"}, std::pair{CellStatus::running, "running"},
    std::pair{CellStatus::done, "done"},       std::pair{CellStatus::failed, "failed"},
    std::pair{CellStatus::stale, "stale"},
};

CellStatus cell_status_of(const std::string& name) {
  for (const auto& [status, known] : kStatuses)
    if (name == known) return status;
  fail("found an unknown status of a cell, '{}'", name);
}

std::string file_name(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

/// The file that an experiment is from; '' at the prompt, where the environment says that it is
/// absent.
std::string script_of(const std::string& stored) {
  return stored.starts_with("absent: ") ? "" : file_name(stored);
}
std::string script_of(const RunRecord& run) {
  for (const auto& [key, value] : run.environment)
    if (key == "script") return script_of(value);
  return "";
}

/// The newest run of an experiment's name, or of its definition too.
struct FoundRun {
  int64_t id = 0;
  std::string definition_hash, status, script;
  ProcessIdentity owner;
};

std::optional<FoundRun> newest(SQLite::Database& db, const std::string& name,
                               const std::string& definition_hash) {
  Statement query(db,
                  "SELECT id, definition_hash, status, owner_pid, owner_ticks, owner_boot, "
                  "owner_namespace, (SELECT value FROM environment WHERE run = runs.id AND key = "
                  "'script') FROM runs WHERE kind = 'experiment' AND name = ? AND (? = '' OR "
                  "definition_hash = ?) ORDER BY id DESC LIMIT 1");
  query.bind(1, name);
  query.bind(2, definition_hash);
  query.bind(3, definition_hash);
  if (!query.executeStep()) return std::nullopt;
  return FoundRun{
      .id = query.getColumn(0),
      .definition_hash = query.getColumn(1).getString(),
      .status = query.getColumn(2).getString(),
      .script = query.isColumnNull(7) ? "" : script_of(query.getColumn(7).getString()),
      .owner = {query.getColumn(3), query.getColumn(4), query.getColumn(5), query.getColumn(6)}};
}

/// The script has another name from now on.
void set_script(SQLite::Database& db, int64_t run, const std::string& name) {
  Statement update(db, "UPDATE environment SET value = ? WHERE run = ? AND key = 'script'");
  update.bind(1, name);
  update.bind(2, run);
  update.exec();
}

[[noreturn]] void refuse_cell(int64_t cell) {
  fail("there is no cell {} in this store; was it trimmed?", cell);
}

}  // namespace

const char* name_of(CellStatus status) {
  for (const auto& [known, name] : kStatuses)
    if (status == known) return name;
  return "";
}

Sweep::Sweep(const std::string& path, const RunRecord& run, const SweepOptions& options)
    : connection_(std::make_unique<StoreConnection>(
          path, ConnectionOptions{.write = true, .patience = options.patience})) {
  take_run(run, options);
  open_ = true;
}

Sweep::~Sweep() {
  if (!connection_ || !open_) return;
  try {
    close(RunStatus::killed);
  } catch (const std::exception&) {  // whoever opens the store next finds out
  }
}

Sweep::Sweep(Sweep&&) noexcept = default;
Sweep& Sweep::operator=(Sweep&&) noexcept = default;

const std::string& Sweep::path() const { return connection_->path(); }

void Sweep::take_run(const RunRecord& run, const SweepOptions& options) {
  connection_->transaction([&](SQLite::Database& db) {
    const auto last = newest(db, run.name, "");
    const std::string mine = script_of(run);
    if (last && !options.accept && !mine.empty() && !last->script.empty() && last->script != mine)
      crescent::fail(
          "{}: the name '{}' is that of an experiment of {} (run {}); give this one another name, "
          "or another store, or, if the script was renamed, say --accept",
          connection_->path(), run.name, last->script, last->id);
    const bool renamed = last && !mine.empty() && last->script != mine;
    const auto same = options.fresh ? std::nullopt : newest(db, run.name, run.definition_hash);
    resumed_ = same.has_value();
    if (!same) {
      run_ = insert_run(db, run);
      return;
    }
    if (same->status == "running" && !options.take_over && !(same->owner == this_process()) &&
        !has_ended(same->owner))
      crescent::fail(
          "{}: process {} works on run {} of '{}' at this moment; wait for it, or give each a "
          "part and a store of its own: --shard 1/2 --store PATH. If it surely is gone: "
          "--take-over",
          connection_->path(), same->owner.pid, same->id, run.name);
    run_ = same->id;
    set_running(db, run_);
    if (renamed) set_script(db, run_, mine);
    db.exec(fmt::format("UPDATE cells SET status = 'stale' WHERE run = {} AND status = 'running'",
                        run_));
  });
}

std::vector<StoredCell> Sweep::declare(const std::vector<CellRecord>& grid, int64_t rounds) {
  connection_->transaction([&](SQLite::Database& db) {
    db.exec(fmt::format("UPDATE cells SET position = NULL WHERE run = {}", run_));
    Statement insert(db,
                     "INSERT INTO cells (run, identity, position, point, model, model_hash, "
                     "status, attempts) VALUES (?, ?, ?, ?, ?, ?, 'pending', 0) ON CONFLICT (run, "
                     "identity) DO UPDATE SET position = excluded.position");
    int64_t position = 0;
    for (const CellRecord& cell : grid) {
      insert.reset();
      insert.bind(1, run_);
      insert.bind(2, cell.identity);
      insert.bind(3, ++position);
      insert.bind(4, cell.point);
      insert.bind(5, cell.model);
      insert.bind(6, cell.model_hash);
      insert.exec();
    }
    // More or fewer rounds than last time may be wanted now.
    Statement settle(db,
                     "UPDATE cells SET status = CASE WHEN (SELECT count(*) FROM results WHERE cell "
                     "= cells.id AND round <= ?1) >= ?1 THEN 'done' WHEN status = 'done' THEN "
                     "'pending' ELSE status END WHERE run = ?2 AND status IN ('pending', 'stale', "
                     "'done')");
    settle.bind(1, rounds);
    settle.bind(2, run_);
    settle.exec();
  });
  auto cells = stored_cells(*connection_, run_);
  std::erase_if(cells, [](const StoredCell& cell) { return !cell.position; });
  return cells;
}

void Sweep::begin(int64_t cell) {
  connection_->transaction([&](SQLite::Database& db) {
    Statement update(db,
                     "UPDATE cells SET status = 'running', attempts = attempts + 1, message = "
                     "NULL, traceback = NULL, output = NULL WHERE id = ?");
    update.bind(1, cell);
    if (update.exec() == 0) refuse_cell(cell);
  });
}

void Sweep::finish_round(int64_t cell, const RoundRecord& round) {
  check_trial(round.trial);
  connection_->transaction([&](SQLite::Database& db) {
    const int64_t trial = insert_trial(db, run_, round.trial);
    Statement insert(db, "INSERT INTO results VALUES (?, ?, ?, ?, ?, ?)");
    insert.bind(1, cell);
    insert.bind(2, round.round);
    insert.bind(3, trial);
    insert.bind(4, round.text);
    insert.bind(5, round.build);
    insert.bind(6, round.row);
    insert.exec();
    Statement update(db, "UPDATE cells SET status = ?, duration_ns = ? WHERE id = ?");
    update.bind(1, round.last ? "done" : "pending");
    update.bind(2, round.trial.duration_ns);
    update.bind(3, cell);
    update.exec();
  });
}

void Sweep::fail(int64_t cell, const CellFailure& failure, int64_t duration_ns) {
  connection_->transaction([&](SQLite::Database& db) {
    Statement update(db,
                     "UPDATE cells SET status = 'failed', message = ?, traceback = ?, output = ?, "
                     "duration_ns = ? WHERE id = ?");
    update.bind(1, failure.message);
    update.bind(2, failure.traceback);
    update.bind(3, failure.output);
    update.bind(4, duration_ns);
    update.bind(5, cell);
    if (update.exec() == 0) refuse_cell(cell);
  });
}

void Sweep::add_text(const std::string& hash, const std::string& files) {
  connection_->transaction([&](SQLite::Database& db) {
    Statement insert(db, "INSERT OR IGNORE INTO texts VALUES (?, ?)");
    insert.bind(1, hash);
    insert.bind(2, files);
    insert.exec();
  });
}

void Sweep::add_warning(const std::string& text) {
  connection_->transaction([&](SQLite::Database& db) { insert_warning(db, run_, text); });
}

void Sweep::close(RunStatus status) {
  open_ = false;
  connection_->transaction([&](SQLite::Database& db) {
    db.exec(fmt::format("UPDATE cells SET status = 'stale' WHERE run = {} AND status = 'running'",
                        run_));
    set_finished(db, run_, status);
  });
}

std::vector<StoredCell> stored_cells(StoreConnection& connection, int64_t run) {
  std::vector<StoredCell> cells;
  std::map<int64_t, size_t> places;
  connection.read([&] {
    Statement query(connection.database(),
                    "SELECT id, identity, position, point, model, model_hash, status, attempts, "
                    "duration_ns, message, traceback, output FROM cells WHERE run = ? ORDER BY "
                    "position IS NULL, position, id");
    query.bind(1, run);
    while (query.executeStep()) {
      StoredCell cell;
      cell.id = query.getColumn(0);
      cell.identity = query.getColumn(1).getString();
      if (!query.isColumnNull(2)) cell.position = query.getColumn(2).getInt64();
      cell.point = query.getColumn(3).getString();
      cell.model = query.getColumn(4).getString();
      cell.model_hash = query.getColumn(5).getString();
      cell.status = cell_status_of(query.getColumn(6).getString());
      cell.attempts = query.getColumn(7);
      if (!query.isColumnNull(8)) cell.duration_ns = query.getColumn(8).getInt64();
      if (!query.isColumnNull(9))
        cell.failure = CellFailure{query.getColumn(9).getString(), query.getColumn(10).getString(),
                                   query.getColumn(11).getString()};
      places[cell.id] = cells.size();
      cells.push_back(std::move(cell));
    }
    Statement results(connection.database(),
                      "SELECT results.cell, round, trials.number, row, text, build FROM results "
                      "JOIN trials ON trials.id = results.trial WHERE trials.run = ? ORDER BY "
                      "results.cell, round");
    results.bind(1, run);
    while (results.executeStep()) {
      const auto place = places.find(results.getColumn(0).getInt64());
      if (place == places.end()) fail("a result of run {} has no cell", run);
      cells[place->second].results.push_back({.round = results.getColumn(1),
                                              .trial = results.getColumn(2),
                                              .row = results.getColumn(3).getString(),
                                              .text = results.getColumn(4).getString(),
                                              .build = results.getColumn(5).getString()});
    }
  });
  return cells;
}

}  // namespace crescent
