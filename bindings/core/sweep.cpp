// The cells of experiments as Lua writes them. scripts/crescent/experiment/ is what users call.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "bindings/core/core.h"
#include "bindings/core/run_record.h"
#include "bindings/core/store.h"
#include "bindings/push.h"
#include "profiler/store/merge.h"
#include "profiler/store/sweep.h"

namespace crescent {

template <>
struct HandleName<Sweep> {
  static constexpr const char* value = "Sweep";
};

namespace {

int64_t nanoseconds(double ms) { return static_cast<int64_t>(ms * 1e6); }

std::string given_text(const Args& args, std::string_view option) {
  return args.has(option) ? args.text(option) : "";
}

/// An option that is JSON already, for what a run is defined by.
std::string given_json(const Args& args, std::string_view option) {
  std::string text = args.text(option);
  if (!nlohmann::json::accept(text)) args.bad(option, "JSON", fmt::format("'{}'", text));
  return text;
}

int store_sweep(Args& args) {
  const std::string name(args.text(1));
  const auto options = nlohmann::json::parse(given_json(args, "options"));
  NamedTexts listed;
  for (const auto& [key, value] : options.items()) listed.emplace_back(key, value.dump());
  RunRecord run = make_run({.kind = RunKind::experiment,
                            .name = name,
                            .definition = {{"experiment", json_text(name)},
                                           {"version", std::to_string(args.integer("version"))},
                                           {"options", given_json(args, "identity")}},
                            .options = listed,
                            .model = given_text(args, "model"),
                            .model_hash = given_text(args, "model_hash")},
                           current_environment(args.L()));
  run.version = args.integer("version");
  push_handle<Sweep>(args.L(), Sweep(store_option(args).value_or(store_path()), run,
                                     {.fresh = args.boolean("fresh"),
                                      .accept = args.boolean("accept"),
                                      .take_over = args.boolean("take_over")}));
  return 1;
}

/// A field of the table at the top of the stack.
std::string text_field(const Args& args, const char* name, size_t place) {
  lua_State* L = args.L();
  lua_getfield(L, -1, name);
  if (lua_type(L, -1) != LUA_TSTRING)
    args.bad(2, fmt::format("a text '{}' in every cell", name),
             fmt::format("{} in cell {}", describe(L, -1), place));
  size_t length = 0;
  const char* text = lua_tolstring(L, -1, &length);
  std::string value(text, length);
  lua_pop(L, 1);
  return value;
}

int sweep_declare(Args& args) {
  lua_State* L = args.L();
  std::vector<CellRecord> grid(lua_objlen(L, 2));
  for (size_t i = 0; i < grid.size(); ++i) {
    lua_rawgeti(L, 2, static_cast<int>(i) + 1);
    if (!lua_istable(L, -1))
      args.bad(2, "a list of tables", fmt::format("{} at position {}", describe(L, -1), i + 1));
    grid[i] = {.identity = text_field(args, "identity", i + 1),
               .point = text_field(args, "point", i + 1),
               .model = text_field(args, "model", i + 1),
               .model_hash = text_field(args, "model_hash", i + 1)};
    lua_pop(L, 1);
  }
  push_cells(L, args.handle<Sweep>(1).declare(grid, args.integer("rounds")));
  return 1;
}

int sweep_begin(Args& args) {
  args.handle<Sweep>(1).begin(args.integer(2));
  return 0;
}

/// The values of the Samples at the top of the stack.
Samples read_samples(const Args& args, const std::string& name) {
  lua_State* L = args.L();
  const auto refuse = [&] {
    args.bad("samples", "Samples by name", fmt::format("{} as '{}'", describe(L, -1), name));
  };
  if (!lua_istable(L, -1)) refuse();
  lua_getfield(L, -1, "unit");
  lua_getfield(L, -2, "values");
  if (lua_type(L, -2) != LUA_TSTRING || !lua_istable(L, -1)) {
    lua_pop(L, 2);
    refuse();
  }
  Samples samples{.unit = lua_tostring(L, -2)};
  samples.values.resize(lua_objlen(L, -1));
  for (size_t i = 0; i < samples.values.size(); ++i) {
    lua_rawgeti(L, -1, static_cast<int>(i) + 1);
    if (lua_type(L, -1) != LUA_TNUMBER)
      args.bad("samples", "numbers",
               fmt::format("{} as value {} of '{}'", describe(L, -1), i + 1, name));
    samples.values[i] = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 2);
  return samples;
}

std::vector<SampleRecord> given_samples(const Args& args) {
  std::vector<SampleRecord> records;
  lua_State* L = args.L();
  args.push("samples");
  if (lua_istable(L, -1))
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
      const std::string name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
      records.push_back({name, read_samples(args, name)});
    }
  lua_pop(L, 1);
  return records;
}

int sweep_finish(Args& args) {
  RoundRecord round{.round = args.integer("round"),
                    .last = args.boolean("last"),
                    .row = given_json(args, "row"),
                    .text = args.text("text"),
                    .build = args.text("build")};
  round.trial.samples = given_samples(args);
  round.trial.duration_ns = nanoseconds(args.number("duration_ms"));
  if (args.has("candidate")) round.trial.candidate = args.text("candidate");
  args.handle<Sweep>(1).finish_round(args.integer(2), round);
  return 0;
}

int sweep_fail(Args& args) {
  args.handle<Sweep>(1).fail(args.integer(2),
                             {.message = args.text("message"),
                              .traceback = given_text(args, "traceback"),
                              .output = given_text(args, "output")},
                             nanoseconds(args.number("duration_ms")));
  return 0;
}

int sweep_text(Args& args) {
  args.handle<Sweep>(1).add_text(std::string(args.text(2)), std::string(args.text(3)));
  return 0;
}

int sweep_warn(Args& args) {
  args.handle<Sweep>(1).add_warning(std::string(args.text(2)));
  return 0;
}

int sweep_close(Args& args) {
  auto* box = test_handle<Sweep>(args.L(), 1);
  if (!*box) return 0;
  const std::string wanted = args.text("status");
  (*box)->close(wanted == "done"     ? RunStatus::done
                : wanted == "failed" ? RunStatus::failed
                                     : RunStatus::killed);
  box->reset();
  return 0;
}

int sweep_run_field(Args& args) { return give(args, args.handle<Sweep>(1).run()); }
int sweep_path_field(Args& args) { return give(args, args.handle<Sweep>(1).path()); }
int sweep_resumed_field(Args& args) { return give(args, args.handle<Sweep>(1).resumed()); }

int store_merge(Args& args) {
  lua_State* L = args.L();
  const MergeResult merged = merge_store(std::string(args.text(1)), std::string(args.text(2)));
  NewTable table(L);
  table.set("runs_added", merged.runs_added);
  table.set("runs_joined", merged.runs_joined);
  table.set("cells", merged.cells);
  table.set("trials", merged.trials);
  push_list(L, merged.warnings);
  table.take("warnings");
  set_result(L, "merge");
  return 1;
}

void push_results(lua_State* L, const std::vector<StoredResult>& results) {
  NewTable list(L);
  for (const StoredResult& result : results) {
    NewTable row(L);
    row.set("round", result.round);
    row.set("trial", result.trial);
    row.set("row", result.row);
    row.set("text", result.text);
    row.set("build", result.build);
    list.take_next();
  }
}

}  // namespace

void push_cells(lua_State* L, const std::vector<StoredCell>& cells) {
  NewTable list(L);
  for (const StoredCell& cell : cells) {
    NewTable row(L);
    row.set("id", cell.id);
    row.set("identity", cell.identity);
    if (cell.position) row.set("position", *cell.position);
    row.set("point", cell.point);
    row.set("model", cell.model);
    row.set("model_hash", cell.model_hash);
    row.set("status", name_of(cell.status));
    row.set("attempts", cell.attempts);
    if (cell.duration_ns) row.set("duration_ms", static_cast<double>(*cell.duration_ns) / 1e6);
    if (cell.failure) {
      row.set("message", cell.failure->message);
      row.set("traceback", cell.failure->traceback);
      row.set("output", cell.failure->output);
    }
    push_results(L, cell.results);
    row.take("results");
    list.take_next();
  }
}

void register_sweep() {
  provide({
      {"crescent.store.sweep", store_sweep},
      {"crescent.store.merge", store_merge},
      {"sweep:declare", sweep_declare},
      {"sweep:begin", sweep_begin},
      {"sweep:finish", sweep_finish},
      {"sweep:fail", sweep_fail},
      {"sweep:text", sweep_text},
      {"sweep:warn", sweep_warn},
      {"sweep:close", sweep_close},
  });
  provide_fields({{"sweep.run", sweep_run_field},
                  {"sweep.path", sweep_path_field},
                  {"sweep.resumed", sweep_resumed_field}});
}

}  // namespace crescent
