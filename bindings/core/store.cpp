#include "bindings/core/store.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

#include "bindings/core/compare.h"
#include "bindings/core/core.h"
#include "bindings/core/json_values.h"
#include "bindings/core/statistics.h"
#include "bindings/push.h"

namespace crescent {
namespace {

constexpr int64_t kExact = int64_t{1} << 53;  // up to here a double holds every integer

std::optional<std::string> chosen_path;

double seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }

int store_open(Args& args) {
  const std::string path = args.has(1) ? std::string(args.text(1)) : store_path();
  push_handle<Store>(args.L(), Store(path, args.boolean("write")));
  return 1;
}

RunFilter filter_of(const Args& args) {
  RunFilter filter;
  if (args.has("name")) filter.name = args.text("name");
  if (args.has("limit")) filter.limit = args.integer("limit");
  if (args.has("kind"))
    for (const RunKind kind :
         {RunKind::profile, RunKind::bench, RunKind::compare, RunKind::experiment})
      if (args.text("kind") == name_of(kind)) filter.kind = kind;
  return filter;
}

int store_runs(Args& args) {
  NewTable list(args.L());
  for (const RunSummary& run : args.handle<Store>(1).runs(filter_of(args))) {
    NewTable row(args.L());
    row.set("id", run.id);
    row.set("kind", name_of(run.kind));
    row.set("name", run.name);
    row.set("model", run.model);
    row.set("trials", run.trials);
    if (run.kind == RunKind::experiment) {
      row.set("cells", run.cells);
      row.set("cells_done", run.cells_done);
    }
    row.set("status", run.status == RunStatus::done && run.cells_done < run.cells
                          ? "incomplete"
                          : name_of(run.status));
    row.set("started", run.started);
    row.set("started_s", seconds(run.started_ns));
    if (run.finished_ns) row.set("duration_s", seconds(*run.finished_ns - run.started_ns));
    list.take_next();
  }
  set_result(args.L(), "runs");
  return 1;
}

void push_texts(lua_State* L, const NamedTexts& texts) {
  NewTable table(L);
  for (const auto& [key, value] : texts) table.set(key.c_str(), value);
}

/// Values are JSON; one that isn't, because somebody wrote it by hand, stands as text.
void push_options(lua_State* L, const NamedTexts& options) {
  NewTable table(L);
  for (const auto& [key, text] : options) {
    const auto value = nlohmann::json::parse(text, nullptr, false);
    if (value.is_discarded()) push(L, text);
    else push_json(L, value);
    table.take(key.c_str());
  }
}

/// One row a trial, each of its samples under its name.
void push_trials(lua_State* L, const std::vector<StoredTrial>& trials) {
  NewTable list(L);
  for (const StoredTrial& trial : trials) {
    NewTable row(L);
    for (const auto& [name, samples] : trial.samples) {
      push_samples(L, samples, {.name = samples.unit.c_str()});
      row.take(name.c_str());
    }
    row.set("trial", trial.number);
    if (trial.candidate) row.set("candidate", *trial.candidate);
    row.set("status", name_of(trial.status));
    row.set("tokens", trial.tokens);
    row.set("duration_ms", static_cast<double>(trial.duration_ns) / 1e6);
    list.take_next();
  }
  set_result(L, "trials");
}

void push_run(lua_State* L, const Store& store, const StoredRun& run) {
  NewTable table(L);
  table.set("id", run.id);
  table.set("kind", name_of(run.kind));
  table.set("name", run.name);
  if (run.version) table.set("version", *run.version);
  table.set("status", name_of(run.status));
  table.set("started", run.started);
  table.set("started_s", seconds(run.started_ns));
  if (run.finished) table.set("finished", *run.finished);
  if (run.finished_ns) table.set("duration_s", seconds(*run.finished_ns - run.started_ns));
  table.set("model", run.model);
  table.set("model_hash", run.model_hash);
  table.set("definition", run.definition);
  table.set("definition_hash", run.definition_hash);
  if (run.threads) table.set("threads", *run.threads);
  push_texts(L, run.environment);
  table.take("environment");
  push_options(L, run.options);
  table.take("options");
  push_list(L, run.warnings);
  table.take("warnings");
  push_list(L, store.artifact_names(run.id));
  table.take("artifacts");
  const std::vector<StoredTrial> trials = store.trials(run.id);
  push_trials(L, trials);
  table.take("trials");
  if (run.kind == RunKind::experiment) {
    push_cells(L, store.cells(run.id));
    table.take("cells");
  }
  if (push_comparison_of(L, run, trials)) table.take("comparison");
  set_result(L, "run");
}

int store_run(Args& args) {
  const Store& store = args.handle<Store>(1);
  const auto run = store.run(args.integer(2));
  if (!run)
    return push_nothing(args.L(),
                        fmt::format("{}: there is no run {}", store.path(), args.integer(2)));
  push_run(args.L(), store, *run);
  return 1;
}

int store_last(Args& args) {
  const Store& store = args.handle<Store>(1);
  const auto name =
      args.has(2) ? std::optional<std::string>(args.text(2)) : std::optional<std::string>();
  const auto id = store.last(name);
  const auto run = id ? store.run(*id) : std::nullopt;
  if (!run)
    return push_nothing(args.L(), name
                                      ? fmt::format("{}: there is no run '{}'", store.path(), *name)
                                      : fmt::format("{}: there are no runs", store.path()));
  push_run(args.L(), store, *run);
  return 1;
}

SqlValue sql_value(const Args& args, int index, const std::string& place) {
  lua_State* L = args.L();
  switch (lua_type(L, index)) {
    case LUA_TBOOLEAN: return int64_t{lua_toboolean(L, index)};
    case LUA_TNUMBER: {
      const double number = lua_tonumber(L, index);
      const bool whole =
          std::floor(number) == number && std::abs(number) <= static_cast<double>(kExact);
      if (whole) return static_cast<int64_t>(number);
      return number;
    }
    case LUA_TSTRING: {
      size_t length;
      const char* text = lua_tolstring(L, index, &length);
      return std::string(text, length);
    }
    default:
      args.bad(3, "numbers, strings, true or false",
               fmt::format("{} for {}", describe(L, index), place));
  }
}

/// Parameters by position are the list's part of the table, those by name the rest.
SqlParameters sql_parameters(const Args& args) {
  SqlParameters parameters;
  if (!args.has(3)) return parameters;
  lua_State* L = args.L();
  const auto count = static_cast<int>(lua_objlen(L, 3));
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, 3, i);
    parameters.by_position.push_back(sql_value(args, lua_gettop(L), std::to_string(i)));
    lua_pop(L, 1);
  }
  for (lua_pushnil(L); lua_next(L, 3) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) continue;
    const std::string name = lua_tostring(L, -2);
    parameters.by_name.emplace_back(name, sql_value(args, lua_gettop(L), "'" + name + "'"));
  }
  return parameters;
}

/// Integers that a double can't hold travel as text.
void push_sql(lua_State* L, const SqlValue& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) {
    if (*integer >= -kExact && *integer <= kExact) push(L, *integer);
    else push(L, std::to_string(*integer));
  } else if (const auto* number = std::get_if<double>(&value)) {
    push(L, *number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    push(L, *text);
  } else if (const auto* blob = std::get_if<SqlBytes>(&value)) {
    push(L, blob->bytes);
  } else {
    lua_pushnil(L);
  }
}

/// A list of rows; the Lua library remembers the order of its columns.
int store_query(Args& args) {
  lua_State* L = args.L();
  const SqlTable table =
      args.handle<Store>(1).query(std::string(args.text(2)), sql_parameters(args));
  lua_getglobal(L, "require");
  lua_pushliteral(L, "crescent.store_text");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "with_columns");
  NewTable list(L);
  for (const auto& values : table.rows) {
    NewTable row(L);
    for (size_t i = 0; i < values.size(); ++i) {
      push_sql(L, values[i]);
      row.take(table.columns[i].c_str());
    }
    list.take_next();
  }
  set_result(L, "query");
  push_list(L, table.columns);
  lua_call(L, 2, 1);
  return 1;
}

int store_trim(Args& args) {
  TrimOptions options{.dry_run = args.boolean("dry_run")};
  if (args.has("keep")) options.keep = args.integer("keep");
  if (args.has("older_than_days")) options.older_than_days = args.number("older_than_days");
  const TrimResult trimmed = args.handle<Store>(1).trim(options);
  NewTable table(args.L());
  table.set("runs", trimmed.runs);
  table.set("trials", trimmed.trials);
  table.set("bytes", trimmed.bytes);
  table.set("dry_run", options.dry_run);
  push_list(args.L(), trimmed.warnings);
  table.take("warnings");
  set_result(args.L(), "trim");
  return 1;
}

int store_close(Args& args) {
  test_handle<Store>(args.L(), 1)->reset();
  return 0;
}

int store_path_field(Args& args) { return give(args, args.handle<Store>(1).path()); }

int store_tostring(lua_State* L) {
  const auto* store = test_handle<Store>(L, 1);
  if (!store || !*store) push(L, "closed store");
  else
    push(L, fmt::format("store {}, open for {}", (*store)->path(),
                        (*store)->writes() ? "writing" : "reading"));
  return 1;
}

}  // namespace

void set_store_path(std::string path) { chosen_path = std::move(path); }

std::optional<std::string> store_option(const Args& args) {
  lua_State* L = args.L();
  args.push("store");
  const int type = lua_type(L, -1);
  const bool is_default = lua_toboolean(L, -1) && type == LUA_TBOOLEAN;
  const std::string path = type == LUA_TSTRING ? lua_tostring(L, -1) : "";
  const std::string got = describe(L, -1);
  lua_pop(L, 1);
  if (is_default) return store_path();
  if (type == LUA_TNIL || type == LUA_TBOOLEAN) return std::nullopt;
  if (path.empty()) args.bad("store", "the path of a store, or true for the default one", got);
  return path;
}

std::string store_path() {
  if (chosen_path) return *chosen_path;
  const char* const named = std::getenv("CRESCENT_STORE");
  return named && *named ? named : "runs.db";
}

void register_store() {
  provide({
      {"crescent.store.open", store_open},
      {"store:runs", store_runs},
      {"store:run", store_run},
      {"store:last", store_last},
      {"store:query", store_query},
      {"store:trim", store_trim},
      {"store:close", store_close},
  });
  provide_fields({{"store.path", store_path_field}});
  provide_metamethod("Store", "__tostring", &guarded<store_tostring>);
}

}  // namespace crescent
