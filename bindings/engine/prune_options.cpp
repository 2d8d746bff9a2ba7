// The options of crescent.prune.plan, as Lua gives them: units and layers count from 1, negative
// ones from the end.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "bindings/engine/prune.h"
#include "engine/nearest.h"

namespace crescent {
namespace {

constexpr std::array<std::string_view, 4> kKinds{"heads", "neurons", "layers", "weights"};

bool is_whole(lua_State* L, int index) {
  if (lua_type(L, index) != LUA_TNUMBER) return false;
  const double x = lua_tonumber(L, index);
  return std::floor(x) == x && std::abs(x) < 2147483648.0;
}

UnitKind kind_at_top(const Args& args, std::string_view option) {
  lua_State* L = args.L();
  const std::string expected = fmt::format("kinds out of {}", fmt::join(kKinds, ", "));
  if (lua_type(L, -1) != LUA_TSTRING) args.bad(option, expected, describe(L, -1));
  const std::string_view name = lua_tostring(L, -1);
  if (name == "heads") return args.boolean("groups") ? UnitKind::groups : UnitKind::heads;
  if (name == "neurons") return UnitKind::neurons;
  if (name == "layers") return UnitKind::layers;
  if (name == "weights") return UnitKind::weights;
  args.bad(option, expected, fmt::format("'{}'{}", name, did_you_mean(name, kKinds)));
}

std::vector<UnitKind> read_kinds(const Args& args) {
  lua_State* L = args.L();
  args.push("what");
  std::vector<UnitKind> kinds;
  if (lua_isnil(L, -1)) {
    kinds.push_back(args.boolean("groups") ? UnitKind::groups : UnitKind::heads);
  } else if (lua_istable(L, -1)) {
    const auto count = static_cast<int>(lua_objlen(L, -1));
    for (int i = 1; i <= count; ++i) {
      lua_rawgeti(L, -1, i);
      kinds.push_back(kind_at_top(args, "what"));
      lua_pop(L, 1);
      for (size_t j = 0; j + 1 < kinds.size(); ++j) {
        if (kinds[j] == kinds.back()) {
          args.bad("what", "every kind once", fmt::format("'{}' twice", name_of(kinds.back())));
        }
      }
    }
    if (kinds.empty()) args.bad("what", "at least one kind", "an empty list");
  } else {
    kinds.push_back(kind_at_top(args, "what"));
  }
  lua_pop(L, 1);
  return kinds;
}

double checked_ratio(const Args& args, const std::string& of) {
  lua_State* L = args.L();
  const double ratio = lua_tonumber(L, -1);
  if (lua_type(L, -1) != LUA_TNUMBER || !(ratio >= 0 && ratio <= 1)) {
    args.bad("ratio", fmt::format("a number from 0 to 1{}", of), describe(L, -1));
  }
  return ratio;
}

/// A number for all kinds together, or one for each of those named.
void read_ratio(const Args& args, const std::vector<UnitKind>& kinds, PlanRequest& request) {
  lua_State* L = args.L();
  Budget& budget = request.select.budget;
  const auto give = [&](UnitKind kind, double ratio) {
    if (kind == UnitKind::weights) request.weights->ratio = ratio;
    else budget.ratio[kind] = ratio;
  };
  args.push("ratio");
  if (!lua_istable(L, -1)) {
    const double ratio = checked_ratio(args, " (a share of what there is)");
    if (kinds.size() == 1) give(kinds.front(), ratio);
    else budget.ratio_of_all = ratio;
    lua_pop(L, 1);
    return;
  }
  size_t given = 0;
  lua_pushnil(L);
  while (lua_next(L, -2) != 0) {
    lua_pushvalue(L, -2);
    const UnitKind kind = kind_at_top(args, "ratio");
    lua_pop(L, 1);
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
      args.bad("ratio", "the kinds that `what` names", fmt::format("'{}'", name_of(kind)));
    }
    give(kind, checked_ratio(args, fmt::format(" for {}", name_of(kind))));
    ++given;
    lua_pop(L, 1);
  }
  if (given != kinds.size()) {
    args.bad("ratio", "a number for every kind that `what` names", fmt::format("{}", given));
  }
  lua_pop(L, 1);
}

/// From 1 or, negative, from the end. @throws ArgError for 0 and what is not there.
int32_t number_at_top(const Args& args, std::string_view option, const std::string& what,
                      int64_t count) {
  lua_State* L = args.L();
  const std::string expected =
      fmt::format("{} from 1 to {} (or negative, from the end)", what, count);
  if (!is_whole(L, -1)) args.bad(option, expected, describe(L, -1));
  int64_t number = static_cast<int64_t>(lua_tonumber(L, -1));
  if (number < 0) number += count + 1;
  if (number < 1 || number > count) args.bad(option, expected, describe(L, -1));
  return static_cast<int32_t>(number - 1);
}

int32_t layer_at_top(const Args& args, std::string_view option, const Model& model) {
  return number_at_top(args, option, "layers", static_cast<int64_t>(model.config().layers.size()));
}

std::vector<Unit> read_list(const Args& args, UnitKind kind, const Model& model) {
  lua_State* L = args.L();
  args.push("list");
  std::vector<Unit> units;
  const auto count = static_cast<int>(lua_objlen(L, -1));
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, -1, i);
    if (kind == UnitKind::layers && !lua_istable(L, -1)) {
      units.push_back({kind, layer_at_top(args, "list", model), 0});
      lua_pop(L, 1);
      continue;
    }
    const char* const form = kind == UnitKind::layers ? "layer numbers" : "{ layer, number }";
    if (!lua_istable(L, -1)) {
      args.bad("list", form, fmt::format("{} at position {}", describe(L, -1), i));
    }
    const auto length = static_cast<int>(lua_objlen(L, -1));
    if (length != (kind == UnitKind::layers ? 1 : 2)) {
      args.bad("list", form, fmt::format("{} numbers at position {}", length, i));
    }
    lua_rawgeti(L, -1, 1);
    Unit unit{kind, layer_at_top(args, "list", model), 0};
    lua_pop(L, 1);
    if (length == 2) {
      lua_rawgeti(L, -1, 2);
      const int64_t units_there = units_in(model.config(), kind, static_cast<size_t>(unit.layer));
      unit.index = number_at_top(
          args, "list", fmt::format("{} of layer {}", name_of(kind), unit.layer + 1), units_there);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
    for (const Unit& earlier : units) {
      if (earlier != unit) continue;
      args.bad("list", "every unit once",
               kind == UnitKind::layers ? fmt::format("layer {} twice", unit.layer + 1)
                                        : fmt::format("{} {} of layer {} twice", singular_of(kind),
                                                      unit.index + 1, unit.layer + 1));
    }
    units.push_back(unit);
  }
  lua_pop(L, 1);
  return units;
}

/// Exactly one says how much goes; 2:4 says it by itself.
std::string_view budget_named(const Args& args, bool is_pattern) {
  std::vector<std::string_view> given;
  for (const char* name : {"ratio", "count", "list", "params_max", "bytes_max"}) {
    if (args.has(name)) given.push_back(name);
  }
  if (is_pattern && given.empty()) return "pattern";
  if (given.size() != 1 || is_pattern) {
    const std::string got = given.empty() ? "none" : fmt::format("'{}'", fmt::join(given, "', '"));
    args.fail(
        fmt::format("expected exactly one of the options 'ratio', 'count', 'list', "
                    "'params_max' and 'bytes_max'{}, got {}",
                    is_pattern ? " (none beside pattern = '2:4', which is a half)" : "", got));
  }
  return given.front();
}

std::vector<int32_t> read_protected(const Args& args, const Model& model) {
  lua_State* L = args.L();
  args.push("protect_layers");
  std::vector<int32_t> layers;
  const auto count = lua_istable(L, -1) ? static_cast<int>(lua_objlen(L, -1)) : 0;
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, -1, i);
    layers.push_back(layer_at_top(args, "protect_layers", model));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return layers;
}

WeightMaskOptions read_weights(const Args& args) {
  WeightMaskOptions options;
  options.two_of_four = args.text("pattern") == "2:4";
  const std::string per = args.text("per");
  if (per == "layer") options.pool = WeightMaskOptions::Pool::matrix;
  if (per == "row") options.pool = WeightMaskOptions::Pool::row;
  return options;
}

bool contains(const std::vector<UnitKind>& kinds, UnitKind kind) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

/// Weights can't be ranked with what is removed, so beside others they have a ratio of their own.
void check_ratio_of_each(const Args& args, std::string_view named) {
  args.push("ratio");
  const bool is_table = lua_istable(args.L(), -1);
  lua_pop(args.L(), 1);
  if (is_table) return;
  args.bad("ratio",
           "a table with a number for each kind, since weights and units can't be ranked together",
           named == "ratio" ? "one number" : fmt::format("'{}'", named));
}

void read_budget(const Args& args, const std::vector<UnitKind>& kinds, const Model& model,
                 PlanRequest& request) {
  const bool has_weights = request.weights.has_value();
  const bool is_pattern = has_weights && request.weights->two_of_four && kinds.size() == 1;
  const std::string_view named = budget_named(args, is_pattern);
  Budget& budget = request.select.budget;
  if (has_weights && kinds.size() > 1) check_ratio_of_each(args, named);
  if (named == "ratio") read_ratio(args, kinds, request);
  if (named == "count") {
    if (has_weights) args.bad("count", "'ratio' for weights", "a count");
    budget.count = args.integer("count");
  }
  if (named == "list") {
    if (kinds.size() != 1 || has_weights) {
      args.bad("list", "one kind of unit in `what`, heads, neurons or layers",
               kinds.size() == 1 ? "weights" : "several");
    }
    budget.list = read_list(args, kinds.front(), model);
  }
  if (named == "params_max" || named == "bytes_max") {
    if (has_weights) {
      args.bad(named, "units that can be removed", "weights, which only become zero");
    }
    (named == "params_max" ? budget.params_max : budget.bytes_max) = args.integer(named);
  }
}

/// That `per` and `pattern` fit what is asked for.
void check_pools(const Args& args, const std::vector<UnitKind>& kinds, const PlanRequest& request) {
  const bool only_weights = request.weights && kinds.size() == 1;
  if (args.text("pattern") == "2:4" && !request.weights) {
    args.bad("pattern", "'2:4' with what = 'weights' only", "'2:4'");
  }
  if (args.text("per") == "row" && !only_weights) {
    args.bad("per", "'row' with what = 'weights' only", "'row'");
  }
  const Budget& budget = request.select.budget;
  if (request.select.per_layer && (contains(kinds, UnitKind::layers) || budget.params_max ||
                                   budget.bytes_max || budget.list || budget.ratio_of_all)) {
    args.bad("per",
             "'model' with layers, with a list, with a limit, and with one ratio for several kinds",
             "'layer'");
  }
}

}  // namespace

PlanRequest read_plan_request(const Args& args, const Model& model) {
  PlanRequest request;
  const std::vector<UnitKind> kinds = read_kinds(args);
  if (contains(kinds, UnitKind::weights)) request.weights = read_weights(args);
  for (const UnitKind kind : kinds) {
    if (kind != UnitKind::weights) request.kinds.push_back(kind);
  }
  read_budget(args, kinds, model, request);

  SelectOptions& select = request.select;
  select.per_layer = args.text("per") == "layer";
  check_pools(args, kinds, request);
  select.protected_layers = read_protected(args, model);
  if (request.weights) request.weights->protected_layers = select.protected_layers;
  select.keep_heads_min = static_cast<int32_t>(args.integer("keep_heads_min"));
  select.bytes_per_parameter = static_cast<double>(model.bytes_stored()) /
                               static_cast<double>(std::max<int64_t>(1, model.parameters()));
  request.seed = static_cast<uint64_t>(args.number("seed"));
  request.steps = static_cast<int>(args.integer("steps"));
  if (request.steps > 1 && (request.weights || select.budget.list)) {
    args.bad("steps", request.weights ? "1 with weights" : "1 with a list",
             std::to_string(request.steps));
  }
  return request;
}

}  // namespace crescent
