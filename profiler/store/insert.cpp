#include "profiler/store/insert.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "engine/error.h"
#include "profiler/store/number_list.h"
#include "profiler/store/owner.h"

namespace crescent {
namespace {

/// Binds the values of one row in order; prepared once, run once a row.
class Insert {
 public:
  Insert(const SQLite::Database& db, const char* sql) : statement_(db, sql) {}

  template <class... Values>
  void operator()(const Values&... values) {
    statement_.reset();
    int place = 0;
    (bind(++place, values), ...);
    statement_.exec();
  }

 private:
  template <class T>
  void bind(int place, const std::optional<T>& value) {
    if (value) bind(place, *value);
    else statement_.bind(place);
  }
  void bind(int place, const std::string& text) { statement_.bindNoCopy(place, text); }
  void bind(int place, const char* text) { statement_.bind(place, text); }
  void bind(int place, double value) { statement_.bind(place, value); }
  void bind(int place, int64_t value) { statement_.bind(place, value); }
  void bind(int place, int32_t value) { statement_.bind(place, value); }

  SQLite::Statement statement_;
};

void insert_texts(SQLite::Database& db, const char* sql, int64_t run, const NamedTexts& texts) {
  Insert insert(db, sql);
  for (const auto& [key, value] : texts) insert(run, key, value);
}

std::optional<int64_t> optional_layer(int16_t layer) {
  return layer < 0 ? std::nullopt : std::optional<int64_t>(layer);
}

/// Numbers a tree's nodes as it goes: parents before their children.
class NodeWriter {
 public:
  NodeWriter(const SQLite::Database& db, int64_t trial)
      : insert_(db, "INSERT INTO nodes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        trial_(trial) {}

  void write(const ProfileNode& node, std::optional<int64_t> parent,
             std::optional<std::string> section) {
    if (node.kind == NodeKind::section) section = node.name;
    const int64_t number = count_++;
    std::optional<double> flops, bytes;
    if (node.work) flops = node.work->flops, bytes = node.work->bytes;
    insert_(trial_, number, parent, stored_name(node.kind), int32_t{node.id},
            optional_layer(node.layer), section, node.name, node.count, node.time_ns, flops, bytes,
            int32_t{node.estimated}, node.cut);
    for (const ProfileNode& child : node.children) write(child, number, section);
  }

 private:
  Insert insert_;
  int64_t trial_;
  int64_t count_ = 0;
};

void insert_samples(SQLite::Database& db, int64_t trial, const std::vector<SampleRecord>& records) {
  Insert insert(db, "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (const auto& [name, samples] : records) {
    const Interval interval = median_interval(samples.values);
    insert(trial, name, samples.unit, static_cast<int64_t>(samples.values.size()),
           median(samples.values), mad(samples.values), interval.low, interval.high,
           interval.confidence, json_of(samples.values));
  }
}

void insert_statistics(SQLite::Database& db, int64_t trial,
                       const std::vector<StatisticRecord>& records) {
  Insert insert(db, "INSERT INTO statistics VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  int64_t number = 0;
  for (const StatisticRecord& row : records)
    insert(trial, number++, row.section, row.layer, row.site, row.head, row.name, row.value,
           row.count);
}

void insert_tracks(SQLite::Database& db, int64_t trial, const std::vector<TrackRecord>& records) {
  Insert insert(db, "INSERT INTO tracks VALUES (?, ?, ?, ?, ?, ?)");
  for (const TrackRecord& track : records)
    insert(trial, track.name, track.unit, name_of(track.label), track.reason,
           json_of(Points{track.times_ns, track.values}));
}

int64_t next_number(SQLite::Database& db, const char* table, int64_t run) {
  SQLite::Statement query(
      db, fmt::format("SELECT coalesce(max(number), 0) + 1 FROM {} WHERE run = ?", table));
  query.bind(1, run);
  query.executeStep();
  return query.getColumn(0);
}

/// A name that is no UTF-8 gets marks in place of its bytes.
std::string windows_json(const std::vector<std::string>& names) {
  return nlohmann::json(names).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void demand_run(SQLite::Database& db, int64_t run) {
  SQLite::Statement query(db, "SELECT 1 FROM runs WHERE id = ?");
  query.bind(1, run);
  if (!query.executeStep()) fail("there is no run {} in this store; was it trimmed?", run);
}

void check_finite(const std::vector<double>& values, const std::string& place) {
  for (size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      fail("{}: expected finite numbers, got {} at position {}", place, values[i], i + 1);
}

template <class Records, class Name>
void check_names(const Records& records, const char* what, Name name) {
  std::set<std::string> seen;
  for (const auto& record : records)
    if (!seen.insert(name(record)).second) fail("{} '{}' came twice", what, name(record));
}

/// What a row of a trial has beside its samples, where rows are named tables.
constexpr std::array<std::string_view, 6> kTrialColumns = {"trial",  "candidate",   "status",
                                                           "tokens", "duration_ms", "absent"};

/// Never changed, only added to: they are on the disks of users.
constexpr std::array kNodeKinds = {
    std::pair{NodeKind::run, "run"},
    std::pair{NodeKind::window, "window"},
    std::pair{NodeKind::section, "section"},
    std::pair{NodeKind::layers, "layers"},
    std::pair{NodeKind::layer, "layer"},
    std::pair{NodeKind::component, "component"},
    std::pair{NodeKind::operation, "operation"},
    std::pair{NodeKind::self, "self"},
    std::pair{NodeKind::profiling, "profiling"},
};

}  // namespace

const char* stored_name(NodeKind kind) {
  for (const auto& [known, name] : kNodeKinds)
    if (kind == known) return name;
  fail("expected a kind of node, got number {}", static_cast<int>(kind));
}

NodeKind node_kind_of(const std::string& name) {
  for (const auto& [kind, known] : kNodeKinds)
    if (name == known) return kind;
  fail("expected a kind of node, found '{}'", name);
}

int64_t now_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

std::string utc_text(int64_t ns) {
  constexpr int64_t kSecond = 1'000'000'000, kMillisecond = 1'000'000;
  const std::time_t seconds = ns / kSecond;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     ns % kSecond / kMillisecond);
}

void check_trial(const TrialRecord& trial) {
  constexpr size_t kBytesMax = 1'000'000'000;  // of one value: SQLITE_MAX_LENGTH
  if (trial.spans.size() > kBytesMax)
    fail("spans: at most {} bytes can be stored, got {}; record fewer tokens or a smaller mode",
         kBytesMax, trial.spans.size());
  for (const auto& [name, samples] : trial.samples) {
    if (samples.values.empty()) fail("samples '{}': expected at least one value, got none", name);
    check_finite(samples.values, fmt::format("samples '{}'", name));
  }
  for (const TrackRecord& track : trial.tracks) {
    if (track.times_ns.size() != track.values.size())
      fail("track '{}': expected as many times as values, got {} and {}", track.name,
           track.times_ns.size(), track.values.size());
    check_finite(track.values, fmt::format("track '{}'", track.name));
  }
  for (const StatisticRecord& row : trial.statistics)
    if (!std::isfinite(row.value))
      fail("statistic '{}' of {}: expected a finite number, got {}", row.name, row.site, row.value);
  for (const auto& record : trial.samples)
    if (std::ranges::find(kTrialColumns, record.name) != kTrialColumns.end())
      fail("samples '{}': a trial has something else of that name; choose another", record.name);
  check_names(trial.samples, "samples", [](const auto& record) { return record.name; });
  check_names(trial.tracks, "track", [](const auto& record) { return record.name; });
  check_names(trial.token_totals, "token totals of section",
              [](const auto& record) { return record.section; });
}

int64_t insert_run(SQLite::Database& db, const RunRecord& run) {
  const int64_t started = now_ns();
  const ProcessIdentity owner = this_process();
  Insert(db,
         "INSERT INTO runs (kind, name, version, status, started, started_ns, model, model_hash, "
         "threads, owner_pid, owner_ticks, owner_boot, owner_namespace, definition_hash, "
         "definition) VALUES (?, ?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")(
      name_of(run.kind), run.name, run.version, utc_text(started), started, run.model,
      run.model_hash, run.threads, owner.pid, owner.started_ticks, owner.boot, owner.pid_namespace,
      run.definition_hash, run.definition);
  const int64_t id = db.getLastInsertRowid();
  insert_texts(db, "INSERT INTO environment VALUES (?, ?, ?)", id, run.environment);
  insert_texts(db, "INSERT INTO options VALUES (?, ?, ?)", id, run.options);
  for (const std::string& warning : run.warnings) insert_warning(db, id, warning);
  return id;
}

int64_t insert_trial(SQLite::Database& db, int64_t run, const TrialRecord& trial) {
  demand_run(db, run);
  int64_t values = 0;
  for (const SampleRecord& record : trial.samples)
    values += static_cast<int64_t>(record.samples.values.size());
  SQLite::Statement insert(
      db,
      "INSERT INTO trials (run, number, candidate, status, tokens, duration_ns, samples, windows, "
      "spans) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, run);
  insert.bind(2, next_number(db, "trials", run));
  if (trial.candidate) insert.bind(3, *trial.candidate);
  insert.bind(4, name_of(trial.status));
  insert.bind(5, trial.tokens);
  insert.bind(6, trial.duration_ns);
  insert.bind(7, values);
  insert.bind(8, windows_json(trial.windows));
  insert.bindNoCopy(9, trial.spans.data(), static_cast<int>(trial.spans.size()));
  insert.exec();
  const int64_t id = db.getLastInsertRowid();
  insert_samples(db, id, trial.samples);
  if (trial.profile) NodeWriter(db, id).write(*trial.profile, std::nullopt, std::nullopt);
  insert_statistics(db, id, trial.statistics);
  Insert totals(db, "INSERT INTO token_totals VALUES (?, ?, ?)");
  for (const TokenTotals& row : trial.token_totals) totals(id, row.section, json_of(row.ns));
  insert_tracks(db, id, trial.tracks);
  return id;
}

void insert_warning(SQLite::Database& db, int64_t run, const std::string& text) {
  demand_run(db, run);
  Insert(db, "INSERT INTO warnings VALUES (?, ?, ?)")(run, next_number(db, "warnings", run), text);
}

void insert_artifact(SQLite::Database& db, int64_t run, const ArtifactRecord& artifact) {
  demand_run(db, run);
  SQLite::Statement insert(
      db, "INSERT OR REPLACE INTO artifacts (run, name, media_type, bytes) VALUES (?, ?, ?, ?)");
  insert.bind(1, run);
  insert.bind(2, artifact.name);
  insert.bind(3, artifact.media_type);
  insert.bindNoCopy(4, artifact.bytes.data(), static_cast<int>(artifact.bytes.size()));
  insert.exec();
}

void insert_decision(SQLite::Database& db, const DecisionRecord& decision) {
  Insert(db, "INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?)")(
      decision.key, decision.machine, decision.value, utc_text(now_ns()));
}

void set_running(SQLite::Database& db, int64_t run) {
  const ProcessIdentity owner = this_process();
  Insert(db,
         "UPDATE runs SET status = 'running', finished = NULL, finished_ns = NULL, owner_pid = ?, "
         "owner_ticks = ?, owner_boot = ?, owner_namespace = ? WHERE id = ?")(
      owner.pid, owner.started_ticks, owner.boot, owner.pid_namespace, run);
}

void set_finished(SQLite::Database& db, int64_t run, RunStatus status) {
  demand_run(db, run);
  const int64_t now = now_ns();
  Insert(db, "UPDATE runs SET status = ?, finished = ?, finished_ns = ? WHERE id = ?")(
      name_of(status), utc_text(now), now, run);
}

}  // namespace crescent
