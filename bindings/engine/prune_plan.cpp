// crescent.prune.plan: options to a request, criteria by name, the request to a plan.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "bindings/callback.h"
#include "bindings/engine/data_option.h"
#include "bindings/engine/prune.h"
#include "bindings/progress.h"

namespace crescent {
namespace {

/// One criterion and its weight in the mean of ranks.
struct NamedPart {
  std::string name;
  double weight = 1;
};

void check_known(const Args& args, const std::string& name) {
  if (is_lua_criterion(args.L(), name)) return;
  try {
    criterion_named(name);
  } catch (const Error& error) {
    args.fail(fmt::format("option 'criterion': {}", error.what()));
  }
}

/// A name, or { name = weight, ... }.
std::vector<NamedPart> read_criterion(const Args& args) {
  lua_State* L = args.L();
  args.push("criterion");
  std::vector<NamedPart> parts;
  const auto refuse = [&](const std::string& got) {
    args.bad("criterion", "a name, or { name = weight, ... } with weights above 0", got);
  };
  if (lua_isnil(L, -1)) {
    parts.push_back({"magnitude", 1});
  } else if (lua_type(L, -1) == LUA_TSTRING) {
    parts.push_back({lua_tostring(L, -1), 1});
  } else if (lua_istable(L, -1)) {
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
      if (lua_type(L, -2) != LUA_TSTRING) refuse(fmt::format("the key {}", describe(L, -2)));
      if (lua_type(L, -1) != LUA_TNUMBER || !(lua_tonumber(L, -1) > 0)) refuse(describe(L, -1));
      parts.push_back({lua_tostring(L, -2), lua_tonumber(L, -1)});
      lua_pop(L, 1);
    }
    if (parts.empty()) refuse("an empty table");
  } else {
    refuse(describe(L, -1));
  }
  lua_pop(L, 1);
  std::sort(parts.begin(), parts.end(),
            [](const NamedPart& a, const NamedPart& b) { return a.name < b.name; });
  for (const NamedPart& part : parts) check_known(args, part.name);
  return parts;
}

std::string words_for(const std::vector<NamedPart>& parts) {
  if (parts.size() == 1) return parts.front().name;
  std::string words = "combined";
  for (size_t i = 0; i < parts.size(); ++i) {
    words += fmt::format("{}{} {}", i == 0 ? " of ranks: " : " + ", parts[i].weight, parts[i].name);
  }
  return words;
}

/// That every criterion can do what is asked, before anything slow begins.
void check_parts(const Args& args, const std::vector<NamedPart>& parts, const PlanRequest& request,
                 const ScoreOptions& options) {
  std::vector<UnitKind> kinds = request.kinds;
  if (request.weights) kinds.push_back(UnitKind::weights);
  for (const NamedPart& part : parts) {
    const bool is_lua = is_lua_criterion(args.L(), part.name);
    for (const UnitKind kind : kinds) {
      if (is_lua && kind == UnitKind::weights) {
        args.fail(
            fmt::format("criterion '{}' scores heads, neurons and layers, not weights", part.name));
      }
      if (!is_lua) {
        try {
          check_can_score(criterion_named(part.name), kind, options);
        } catch (const Error& error) {
          args.fail(error.what());
        }
      }
    }
    if (is_lua && !options.data && lua_criterion_needs_data(args.L(), part.name)) {
      args.fail(
          fmt::format("criterion '{}' looks at a text: give data = {{ file = }}, "
                      "{{ text = }} or {{ ids = }}",
                      part.name));
    }
  }
  if (request.weights && parts.size() > 1) {
    args.bad("criterion", "one criterion for weights", "several");
  }
}

Scores score_part(const Args& args, const NamedPart& part, const Model& model, UnitKind kind,
                  ScoreOptions options) {
  Progress progress(fmt::format("{} of {}", part.name, name_of(kind)));
  options.on_progress = [&](int64_t done, int64_t total) { progress.report(done, total); };
  if (is_lua_criterion(args.L(), part.name)) {
    return score_in_lua(args.L(), part.name, model, kind, options);
  }
  return criterion_named(part.name).score(model, kind, options);
}

Scores score_parts(const Args& args, const std::vector<NamedPart>& parts, const Model& model,
                   UnitKind kind, const ScoreOptions& options) {
  if (parts.size() == 1) return score_part(args, parts.front(), model, kind, options);
  std::vector<WeightedScores> scores;
  scores.reserve(parts.size());
  for (const NamedPart& part : parts) {
    scores.push_back({score_part(args, part, model, kind, options), part.weight});
  }
  return combined(scores);
}

/// What `between` gave back: nothing, or a model.
ModelHandle take_model(const Args& args, int step) {
  lua_State* L = args.L();
  ModelHandle model;
  if (!lua_isnil(L, -1)) {
    const auto* box = test_handle<ModelHandle>(L, -1);
    if (!box || !*box) {
      args.fail(fmt::format("option 'between': expected a model or nothing, got {} after step {}",
                            describe(L, -1), step));
    }
    model = **box;
  }
  lua_pop(L, 1);
  return model;
}

}  // namespace

int prune_plan(Args& args) {
  lua_State* L = args.L();
  const ModelHandle model = args.handle<ModelHandle>(1);
  PlanRequest request = read_plan_request(args, *model);
  const std::vector<NamedPart> parts = read_criterion(args);
  const std::optional<ScoringData> data = read_data(args, "data", *model);
  const ScoreOptions options{
      .seed = request.seed, .data = data ? &*data : nullptr, .on_progress = {}};
  const bool is_plain_list = request.select.budget.list && !args.has("criterion");
  if (!is_plain_list) check_parts(args, parts, request, options);
  request.criterion = is_plain_list ? "list" : words_for(parts);
  if (data) request.data = data->used;
  if (!is_plain_list) {
    request.score = [&](const Model& left, UnitKind kind) {
      return score_parts(args, parts, left, kind, options);
    };
  }
  request.score_weights = [&](const Model& whole) {
    return criterion_named(parts.front().name).score_weights(whole, options);
  };
  args.push("between");
  std::optional<Callback> between;
  if (!lua_isnil(L, -1)) between.emplace(L, -1);
  lua_pop(L, 1);
  if (between) {
    request.between = [&](const ModelHandle& left, int step) {
      between->call(1, [&](lua_State* state) {
        push_model(state, left);
        push(state, step);
        return 2;
      });
      return take_model(args, step);
    };
  }
  push_plan(L, std::make_shared<const OpenPlan>(OpenPlan{model, make_plan(model, request)}));
  return 1;
}

}  // namespace crescent
