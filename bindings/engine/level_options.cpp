#include "bindings/engine/level_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "bindings/engine/data_option.h"
#include "bindings/progress.h"
#include "bindings/push.h"
#include "engine/eval/calibrate.h"
#include "engine/exec/compiled/passes.h"
#include "engine/kernels/stored.h"
#include "engine/nearest.h"

namespace crescent {
namespace {

/// Passes that a plan can't do without, and why.
struct Fixed {
  std::string_view name, reason;
};
constexpr std::array<Fixed, 5> kFixed{
    {{"transpose", "kernels read matrices as [out, in] and in no other way"},
     {"weights", "the option of that name says how narrow they are; level 2 reads float32"},
     {"head", "the option of that name says how narrow it is; 'fp32' leaves it as it is"},
     {"kv", "the option of that name says how narrow they are; 'fp32' leaves them as they are"},
     {"calibration", "the option of that name gives a text; without it there is none"}}};

std::vector<std::string_view> switchable() {
  std::vector<std::string_view> names;
  names.reserve(kPassSwitches.size());
  for (const PassSwitch& pass : kPassSwitches) names.push_back(pass.name);
  return names;
}

/// One entry of `passes`: its name below its value at the top of the stack.
void read_pass(const Args& args, Passes& passes) {
  lua_State* L = args.L();
  if (lua_type(L, -2) != LUA_TSTRING) {
    args.bad("passes", "{ name = true or false }", fmt::format("the key {}", describe(L, -2)));
  }
  const std::string_view name = lua_tostring(L, -2);
  if (!lua_isboolean(L, -1)) {
    args.bad("passes", fmt::format("true or false for '{}'", name), describe(L, -1));
  }
  const bool is_on = lua_toboolean(L, -1) != 0;
  for (const PassSwitch& pass : kPassSwitches) {
    if (pass.name != name) continue;
    passes.*pass.is_on = is_on;
    return;
  }
  for (const Fixed& fixed : kFixed) {
    if (fixed.name != name) continue;
    if (is_on) return;
    args.fail(fmt::format("option 'passes': '{}' can't be switched off: {}", name, fixed.reason));
  }
  std::vector<std::string_view> known = switchable();
  args.fail(fmt::format("option 'passes': unknown pass '{}'{}; known are {}", name,
                        did_you_mean(name, known), fmt::join(known, ", ")));
}

Width width_named(const std::string& name, bool is_grouped) {
  if (name == "fp32") return Width::fp32;
  if (name == "bf16") return Width::bf16;
  if (name == "int8") return is_grouped ? Width::int8_grouped : Width::int8;
  return Width::int4;
}

/// Runs the text of the option, if there is one, through the model.
void read_calibration(const Args& args, const Model& model, Storage& storage) {
  constexpr std::string_view kName = "calibration";
  if (!args.given(kName)) return;
  if (!has_scales(storage.weights) && !has_scales(storage.head)) {
    args.bad(kName, "weights or head = 'int8' or 'int4', which have scales to choose",
             fmt::format("weights = '{}', head = '{}'", args.text("weights"),
                         args.text(args.given("head") ? "head" : "weights")));
  }
  const std::optional<ScoringData> data = read_text_ids_or_data(args, kName, model);
  if (!data) return;
  if (data->ids.size() < 2) {
    args.bad(kName, "a text of at least 2 tokens",
             data->ids.empty() ? "an empty one" : "one of 1 token");
  }
  Progress progress("calibration window");
  storage.calibration = {calibrate(
      model, data->ids,
      {.window = data->used.window,
       .on_progress = [&](int64_t done, int64_t total) { progress.report(done, total); }})};
}

/// Level 3's widths; those that the other levels don't have.
void read_storage(const Args& args, const Model& model, LevelOptions& options) {
  if (options.level != 3) {
    for (const std::string_view name : {"weights", "head", "group", "kv", "calibration"}) {
      if (!args.given(name)) continue;
      args.bad(name,
               fmt::format("level = 3, which alone stores {} narrower",
                           name == "kv" ? "keys and values" : "weights"),
               fmt::format("level = {}", options.level));
    }
    return;
  }
  const std::string weights = args.text("weights");
  const std::string head = args.given("head") ? args.text("head") : weights;
  const bool is_grouped = args.given("group");
  if (is_grouped && args.integer("group") != kernels::kGroup) {
    args.bad("group", fmt::format("{}, the one size of a group", kernels::kGroup),
             fmt::format("{}", args.integer("group")));
  }
  if (is_grouped && weights != "int8" && head != "int8") {
    args.bad("group", "weights or head = 'int8'",
             fmt::format("weights = '{}', head = '{}'", weights, head));
  }
  options.storage = {.weights = width_named(weights, is_grouped),
                     .head = width_named(head, is_grouped),
                     .kv = width_named(args.text("kv"), false)};
  read_calibration(args, model, options.storage);
}

void read_passes(const Args& args, LevelOptions& options) {
  lua_State* L = args.L();
  args.push("passes");
  const int at = lua_gettop(L);
  bool any = false;
  for (lua_pushnil(L); lua_istable(L, at) && lua_next(L, at) != 0; lua_pop(L, 1)) {
    read_pass(args, options.passes);
    any = true;
  }
  lua_settop(L, at - 1);
  if (any && options.level < 2) {
    args.fail(fmt::format("option 'passes': level {} has none; levels 2 and 3 have {}",
                          options.level, fmt::join(switchable(), ", ")));
  }
}

}  // namespace

bool is_auto_level(const Args& args) {
  lua_State* L = args.L();
  args.push("level");
  const bool is_text = lua_type(L, -1) == LUA_TSTRING;
  const std::string found = lua_isnil(L, -1) ? "nothing" : describe(L, -1);
  const bool is_integer =
      lua_type(L, -1) == LUA_TNUMBER && std::floor(lua_tonumber(L, -1)) == lua_tonumber(L, -1);
  const bool is_auto = is_text && std::string_view(lua_tostring(L, -1)) == "auto";
  lua_pop(L, 1);
  if (!is_auto && !is_integer) args.bad("level", "an integer or 'auto'", found);
  return is_auto;
}

LevelOptions read_level_options(const Args& args, const Model& model) {
  // Any number that is no level is refused by the model, which knows them.
  LevelOptions options{.level =
                           static_cast<int>(std::clamp<int64_t>(args.integer("level"), -1, 1000))};
  for (const char* name :
       {"kl_nats_max", "text", "file", "ids", "window", "measure", "time_s_max"}) {
    if (args.given(name))
      args.bad(name, "level = 'auto', which measures", fmt::format("level = {}", options.level));
  }
  read_passes(args, options);
  read_storage(args, model, options);
  return options;
}

void push_passes(lua_State* L, const Model& model) {
  NewTable rows(L);
  for (const auto& pass :
       compiled::report_passes(model.config(), model.layout(), model.options(),
                               model.calibration_gain().value_or(CalibrationGain{}))) {
    NewTable row(L);
    row.set("name", pass.name);
    row.set("on", pass.on);
    row.set("changed", pass.changed);
    row.set("layers", pass.layers);
    row.set("bytes", pass.bytes);
    if (!pass.source.empty()) row.set("source", pass.source);
    rows.take_next();
  }
  set_result(L, "passes");
}

}  // namespace crescent
