#include "profiler/store/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "profiler/store/connection.h"
#include "profiler/store/insert.h"
#include "profiler/store/number_list.h"
#include "profiler/store/owner.h"
#include "profiler/store/sweep.h"

namespace crescent {
namespace {

using SQLite::Column;
using SQLite::Statement;

std::string text(const Column& column) { return column.getString(); }

std::optional<std::string> optional_text(const Column& column) {
  if (column.isNull()) return std::nullopt;
  return column.getString();
}

std::optional<int64_t> optional_integer(const Column& column) {
  if (column.isNull()) return std::nullopt;
  return column.getInt64();
}

std::optional<int32_t> optional_int32(const Column& column) {
  if (column.isNull()) return std::nullopt;
  return column.getInt();
}

/// The enumerator with that name among the first `count` ones.
template <class Enum>
Enum named(const std::string& name, int count) {
  for (int i = 0; i < count; ++i)
    if (name == name_of(static_cast<Enum>(i))) return static_cast<Enum>(i);
  fail("found an unknown word '{}'", name);
}
RunKind run_kind(const Column& column) { return named<RunKind>(text(column), 4); }
/// The columns of a run's status, as run_status reads them.
constexpr const char* kStatusColumns =
    "status, owner_pid, owner_ticks, owner_boot, owner_namespace";

/// From the columns at `first`. Whoever only reads can't mark a run whose process died, but sees
/// it.
RunStatus run_status(Statement& row, int first) {
  const auto status = named<RunStatus>(text(row.getColumn(first)), 4);
  if (status != RunStatus::running || row.isColumnNull(first + 1)) return status;
  const ProcessIdentity owner{.pid = row.getColumn(first + 1),
                              .started_ticks = row.getColumn(first + 2),
                              .boot = row.getColumn(first + 3),
                              .pid_namespace = row.getColumn(first + 4)};
  return has_ended(owner) ? RunStatus::killed : status;
}
TrialStatus trial_status(const Column& column) { return named<TrialStatus>(text(column), 2); }
TrackLabel track_label(const Column& column) { return named<TrackLabel>(text(column), 3); }

/// Calls each(statement) for every row.
template <class Each>
void each_row(StoreConnection& connection, const std::string& sql, int64_t key, Each each) {
  connection.read([&] {
    Statement query(connection.database(), sql);
    query.bind(1, key);
    while (query.executeStep()) each(query);
  });
}

NamedTexts named_texts(StoreConnection& connection, const char* table, int64_t run) {
  NamedTexts texts;
  each_row(
      connection, fmt::format("SELECT key, value FROM {} WHERE run = ? ORDER BY key", table), run,
      [&](Statement& row) { texts.emplace_back(text(row.getColumn(0)), text(row.getColumn(1))); });
  return texts;
}

/// A node without its children.
ProfileNode node_of(Statement& row) {
  ProfileNode node;
  node.kind = node_kind_of(text(row.getColumn(2)));
  node.id = static_cast<uint8_t>(row.getColumn(3).getInt());
  node.layer = static_cast<int16_t>(row.isColumnNull(4) ? -1 : row.getColumn(4).getInt());
  node.name = text(row.getColumn(5));
  node.count = row.getColumn(6);
  node.time_ns = row.getColumn(7);
  if (!row.isColumnNull(8)) node.work = Work{.flops = row.getColumn(8), .bytes = row.getColumn(9)};
  node.estimated = row.getColumn(10).getInt() != 0;
  node.cut = row.getColumn(11);
  return node;
}

struct NumberedNode {
  int64_t node = 0;
  std::optional<int64_t> parent;
  ProfileNode value;
};

/// Children have higher numbers than their parents: whoever is last is complete.
std::optional<ProfileNode> tree_of(std::vector<NumberedNode> nodes) {
  if (nodes.empty()) return std::nullopt;
  for (size_t i = nodes.size(); i-- > 1;) {
    NumberedNode& child = nodes[i];
    const auto at = static_cast<size_t>(child.parent.value_or(-1));
    if (at >= i) fail("node {} of a profile has no parent before it", child.node);
    auto& siblings = nodes[at].value.children;
    siblings.insert(siblings.begin(), std::move(child.value));
  }
  return std::move(nodes.front().value);
}

}  // namespace

std::string sqlite_version() { return SQLite::getLibVersion(); }
std::string sqlitecpp_version() { return SQLITECPP_VERSION; }

Store::Store(const std::string& path, bool write)
    : connection_(std::make_unique<StoreConnection>(path, ConnectionOptions{.write = write})) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

const std::string& Store::path() const { return connection_->path(); }
bool Store::writes() const { return connection_->writes(); }

std::vector<RunSummary> Store::runs(const RunFilter& filter) const {
  std::string sql =
      "SELECT id, kind, name, model, started, started_ns, finished_ns, (SELECT count(*) FROM "
      "trials "
      "WHERE run = runs.id), (SELECT count(*) FROM cells WHERE run = runs.id AND position IS NOT "
      "NULL), (SELECT count(*) FROM cells WHERE run = runs.id AND position IS NOT NULL AND status "
      "= "
      "'done'), " +
      std::string(kStatusColumns) + " FROM runs WHERE true";
  if (filter.name) sql += " AND name = :name";
  if (filter.kind) sql += " AND kind = :kind";
  sql += " ORDER BY id DESC LIMIT :limit";
  std::vector<RunSummary> found;
  connection_->read([&] {
    Statement query(connection_->database(), sql);
    if (filter.name) query.bind(":name", *filter.name);
    if (filter.kind) query.bind(":kind", name_of(*filter.kind));
    query.bind(":limit", filter.limit.value_or(-1));
    while (query.executeStep())
      found.push_back({.id = query.getColumn(0),
                       .kind = run_kind(query.getColumn(1)),
                       .status = run_status(query, 10),
                       .name = text(query.getColumn(2)),
                       .model = text(query.getColumn(3)),
                       .started = text(query.getColumn(4)),
                       .started_ns = query.getColumn(5),
                       .finished_ns = optional_integer(query.getColumn(6)),
                       .trials = query.getColumn(7),
                       .cells = query.getColumn(8),
                       .cells_done = query.getColumn(9)});
  });
  return found;
}

std::optional<StoredRun> Store::run(int64_t id) const {
  std::optional<StoredRun> found;
  each_row(*connection_,
           fmt::format("SELECT kind, name, version, started, started_ns, finished, finished_ns, "
                       "model, model_hash, threads, definition_hash, definition, {} FROM runs "
                       "WHERE id = ?",
                       kStatusColumns),
           id, [&](Statement& row) {
             StoredRun& run = found.emplace();
             run.id = id;
             run.kind = run_kind(row.getColumn(0));
             run.name = text(row.getColumn(1));
             run.version = optional_integer(row.getColumn(2));
             run.started = text(row.getColumn(3));
             run.started_ns = row.getColumn(4);
             run.finished = optional_text(row.getColumn(5));
             run.finished_ns = optional_integer(row.getColumn(6));
             run.model = text(row.getColumn(7));
             run.model_hash = text(row.getColumn(8));
             run.threads = optional_integer(row.getColumn(9));
             run.definition_hash = text(row.getColumn(10));
             run.definition = text(row.getColumn(11));
             run.status = run_status(row, 12);
           });
  if (!found) return found;
  found->environment = named_texts(*connection_, "environment", id);
  found->options = named_texts(*connection_, "options", id);
  each_row(*connection_, "SELECT text FROM warnings WHERE run = ? ORDER BY number", id,
           [&](Statement& row) { found->warnings.push_back(text(row.getColumn(0))); });
  return found;
}

std::optional<int64_t> Store::last(const std::optional<std::string>& name) const {
  const auto newest = runs({.name = name, .limit = 1});
  if (newest.empty()) return std::nullopt;
  return newest.front().id;
}

std::vector<StoredTrial> Store::trials(int64_t run) const {
  std::vector<StoredTrial> found;
  each_row(*connection_,
           "SELECT id, number, candidate, status, tokens, duration_ns FROM trials WHERE run = ? "
           "ORDER BY number",
           run, [&](Statement& row) {
             found.push_back({.id = row.getColumn(0),
                              .number = row.getColumn(1),
                              .candidate = optional_text(row.getColumn(2)),
                              .status = trial_status(row.getColumn(3)),
                              .tokens = row.getColumn(4),
                              .duration_ns = row.getColumn(5)});
           });
  for (StoredTrial& trial : found)
    each_row(
        *connection_, "SELECT name, unit, values_json FROM samples WHERE trial = ? ORDER BY name",
        trial.id, [&](Statement& row) {
          trial.samples.push_back({text(row.getColumn(0)),
                                   {doubles_of(text(row.getColumn(2))), text(row.getColumn(1))}});
        });
  return found;
}

std::vector<StoredCell> Store::cells(int64_t run) const {
  auto cells = stored_cells(*connection_, run);
  auto status = RunStatus::done;
  each_row(*connection_, fmt::format("SELECT {} FROM runs WHERE id = ?", kStatusColumns), run,
           [&](Statement& row) { status = run_status(row, 0); });
  for (StoredCell& cell : cells)
    if (cell.status == CellStatus::running && status != RunStatus::running)
      cell.status = CellStatus::stale;
  return cells;
}

StoredSpans Store::spans(int64_t trial) const {
  StoredSpans spans;
  each_row(*connection_, "SELECT windows, spans FROM trials WHERE id = ?", trial,
           [&](Statement& row) {
             spans.windows =
                 nlohmann::json::parse(text(row.getColumn(0))).get<std::vector<std::string>>();
             spans.packed = text(row.getColumn(1));
           });
  return spans;
}

std::optional<ProfileNode> Store::profile(int64_t trial) const {
  std::vector<NumberedNode> nodes;
  each_row(*connection_,
           "SELECT node, parent, kind, id, layer, name, count, time_ns, flops, bytes, estimated, "
           "cut FROM nodes WHERE trial = ? ORDER BY node",
           trial, [&](Statement& row) {
             nodes.push_back({row.getColumn(0), optional_integer(row.getColumn(1)), node_of(row)});
           });
  return connection_->read([&] { return tree_of(std::move(nodes)); });
}

std::vector<StatisticRecord> Store::statistics(int64_t trial) const {
  std::vector<StatisticRecord> found;
  each_row(*connection_,
           "SELECT section, site, layer, head, name, value, count FROM statistics WHERE trial = ? "
           "ORDER BY number",
           trial, [&](Statement& row) {
             found.push_back({.section = text(row.getColumn(0)),
                              .site = text(row.getColumn(1)),
                              .layer = optional_int32(row.getColumn(2)),
                              .head = optional_int32(row.getColumn(3)),
                              .name = text(row.getColumn(4)),
                              .value = row.getColumn(5),
                              .count = row.getColumn(6)});
           });
  return found;
}

std::vector<TokenTotals> Store::token_totals(int64_t trial) const {
  std::vector<TokenTotals> found;
  each_row(*connection_,
           "SELECT section, ns_json FROM token_totals WHERE trial = ? ORDER BY section", trial,
           [&](Statement& row) {
             found.push_back({text(row.getColumn(0)), integers_of(text(row.getColumn(1)))});
           });
  return found;
}

std::vector<TrackRecord> Store::tracks(int64_t trial) const {
  std::vector<TrackRecord> found;
  each_row(*connection_,
           "SELECT name, unit, label, reason, points_json FROM tracks WHERE trial = ? ORDER BY "
           "name",
           trial, [&](Statement& row) {
             Points points = points_of(text(row.getColumn(4)));
             found.push_back({.name = text(row.getColumn(0)),
                              .unit = text(row.getColumn(1)),
                              .label = track_label(row.getColumn(2)),
                              .reason = text(row.getColumn(3)),
                              .times_ns = std::move(points.times_ns),
                              .values = std::move(points.values)});
           });
  return found;
}

std::vector<std::string> Store::artifact_names(int64_t run) const {
  std::vector<std::string> names;
  each_row(*connection_, "SELECT name FROM artifacts WHERE run = ? ORDER BY name", run,
           [&](Statement& row) { names.push_back(text(row.getColumn(0))); });
  return names;
}

std::optional<ArtifactRecord> Store::artifact(int64_t run, const std::string& name) const {
  std::optional<ArtifactRecord> found;
  connection_->told([&] {
    Statement query(connection_->database(),
                    "SELECT media_type, bytes FROM artifacts WHERE run = ? AND name = ?");
    query.bind(1, run);
    query.bind(2, name);
    if (query.executeStep())
      found = ArtifactRecord{name, text(query.getColumn(0)), text(query.getColumn(1))};
  });
  return found;
}

std::optional<std::string> Store::decision(const std::string& key,
                                           const std::string& machine) const {
  std::optional<std::string> found;
  connection_->told([&] {
    Statement query(connection_->database(),
                    "SELECT value FROM decisions WHERE key = ? AND machine = ?");
    query.bind(1, key);
    query.bind(2, machine);
    if (query.executeStep()) found = text(query.getColumn(0));
  });
  return found;
}

}  // namespace crescent
