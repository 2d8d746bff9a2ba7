#include "bindings/engine/prune.h"

#include <ATen/ops/count_nonzero.h>
#include <fmt/format.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "bindings/engine/tensor.h"
#include "engine/formats/hf_folder.h"
#include "engine/formats/safetensors.h"
#include "engine/interrupt.h"
#include "engine/prune/apply.h"
#include "engine/threads.h"
#include "profiler/machine.h"

namespace crescent {
namespace {

PlanHandle plan_of(const Args& args) { return args.handle<PlanHandle>(1); }

void check_is_whole(const Args& args, const OpenPlan& open, const char* instead) {
  if (!open.made.changed) return;
  args.fail(fmt::format("`between` gave models with other weights, which the plan doesn't hold; {}",
                        instead));
}

/// The model to work on: the plan's own, or another one with the same hash.
ModelHandle model_for(const Args& args, const OpenPlan& open) {
  if (!args.has(2)) return open.model;
  const ModelHandle given = args.handle<ModelHandle>(2);
  check_belongs(open.plan(), given->hash());
  return given;
}

int plan_apply(Args& args) {
  const PlanHandle open = plan_of(args);
  if (open->made.changed) {
    push_model(args.L(), without(*open->made.changed, open->made.still_to_go));
    return 1;
  }
  push_model(args.L(), apply_plan(*model_for(args, *open), open->plan()));
  return 1;
}

int plan_mask(Args& args) {
  const PlanHandle open = plan_of(args);
  check_is_whole(args, *open, "use plan:apply()");
  push_model(args.L(), mask_plan(*model_for(args, *open), open->plan()));
  return 1;
}

int plan_save(Args& args) {
  const PlanHandle open = plan_of(args);
  check_is_whole(args, *open, "save the model that plan:apply() gives");
  write_file(
      std::string(args.text(2)),
      to_json(open->plan()).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  return 0;
}

int prune_load(Args& args) {
  const std::filesystem::path path(std::string(args.text(1)));
  const ModelHandle model = args.handle<ModelHandle>(2);
  Plan plan = plan_from_json(read_json(path), path.string());
  check_belongs(plan, model->hash());
  kept_without(model->config(), plan.units());  // that all are there
  auto open = std::make_shared<OpenPlan>();
  open->model = model;
  open->made.plan = std::move(plan);
  estimate(open->made.plan, *model);  // a file may say anything
  push_plan(args.L(), std::move(open));
  return 1;
}

int plan_rows(Args& args) {
  lua_State* L = args.L();
  const PlanHandle open = plan_of(args);
  NewTable rows(L);
  for (const ScoredUnit& removed : open->plan().removed) {
    NewTable row(L);
    row.set("kind", singular_of(removed.unit.kind));
    row.set("layer", removed.unit.layer + 1);
    row.set("index", removed.unit.index + 1);
    row.set("score", removed.score);
    row.set("params", removed.parameters);
    rows.take_next();
  }
  set_result(L, "removed");
  return 1;
}

/// [layer][unit] in the whole model: true where it goes.
void push_removed(lua_State* L, const OpenPlan& open, UnitKind kind) {
  const DecoderConfig& config = open.model->config();
  NewTable grid(L);
  for (size_t i = 0; i < config.layers.size(); ++i) {
    std::vector<bool> gone(static_cast<size_t>(units_in(config, kind, i)), false);
    for (const ScoredUnit& removed : open.plan().removed) {
      if (removed.unit.layer != static_cast<int32_t>(i)) continue;
      if (removed.unit.kind == UnitKind::layers) gone.assign(gone.size(), true);
      if (removed.unit.kind == kind) gone[static_cast<size_t>(removed.unit.index)] = true;
      if (removed.unit.kind == UnitKind::groups && kind == UnitKind::heads) {
        const auto& kv_of_head = config.layers[i].kv_of_head;
        for (size_t h = 0; h < gone.size(); ++h) {
          if (kv_of_head[h] == removed.unit.index) gone[h] = true;
        }
      }
    }
    NewTable row(L);
    for (const bool is_gone : gone) row.append(is_gone);
    grid.take_next();
  }
}

/// The kind to draw: the one asked for, else that of which units go.
UnitKind kind_to_draw(const Args& args, const OpenPlan& open) {
  const std::string what = args.text("what");
  for (const UnitKind kind : {UnitKind::heads, UnitKind::neurons, UnitKind::layers}) {
    if (what == name_of(kind)) return kind;
  }
  if (open.plan().removed.empty()) return UnitKind::heads;
  const UnitKind kind = open.plan().removed.front().unit.kind;
  return kind == UnitKind::groups ? UnitKind::heads : kind;
}

int plan_map(Args& args) {
  lua_State* L = args.L();
  const PlanHandle open = plan_of(args);
  const UnitKind kind = kind_to_draw(args, *open);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "crescent.heat");
  lua_call(L, 1, 1);
  NewTable spec(L);
  spec.set("title",
           fmt::format("{} by {}: what goes is crossed", name_of(kind), open->plan().criterion));
  spec.set("row_name", "layer");
  spec.set("column_name", singular_of(kind));
  push_removed(L, *open, kind);
  spec.take("crossed");
  const auto& scores = open->plan().scores;
  const auto of_kind = std::find_if(scores.begin(), scores.end(),
                                    [kind](const Scores& s) { return s.kind == kind; });
  if (of_kind != scores.end()) {
    NewTable rows(L);
    for (const auto& layer : of_kind->of) {
      push_list(L, layer);
      rows.take_next();
    }
    spec.take("values");
  }
  lua_call(L, 1, 1);
  return 1;
}

int prune_ledger(Args& args) {
  for (const int index : {1, 2}) args.handle<ModelHandle>(index);  // open ones
  return call_library(args.L(), "crescent.ledger", 1);
}

// Fields.

void push_counts(lua_State* L, const PartCounts& counts) {
  NewTable table(L);
  for (int part = 0; part < kParts; ++part) {
    table.set(name_of(static_cast<Part>(part)), counts.by_part[static_cast<size_t>(part)]);
  }
}

int push_figures(lua_State* L, const ModelFigures& figures,
                 std::optional<int64_t> nonzero = std::nullopt) {
  NewTable table(L);
  if (nonzero) table.set("params_nonzero", *nonzero);
  table.set("params", figures.parameters.total());
  push_counts(L, figures.parameters);
  table.take("params_by_part");
  table.set("bytes", figures.bytes);
  table.set("flops_per_token", figures.flops.total());
  push_counts(L, figures.flops);
  table.take("flops_by_part");
  table.set("bytes_read_per_token", figures.elements_read * int64_t{sizeof(float)});
  return 1;
}

int prune_figures(Args& args) {
  const ModelHandle model = args.handle<ModelHandle>(1);
  int64_t nonzero = 0;
  for (const TensorSpec& spec : model->layout()) {
    check_interrupt();
    nonzero += model->stored().at(spec).count_nonzero().item<int64_t>();
  }
  const double bytes_each = static_cast<double>(model->bytes_stored()) /
                            static_cast<double>(std::max<int64_t>(1, model->parameters()));
  const int64_t context = std::min(args.integer("context"), model->config().positions_max);
  return push_figures(args.L(), figures_of(model->config(), model->layout(), bytes_each, context),
                      nonzero);
}

/// Levels 0 and 1 read float32. ms a token at the bandwidth of the working set that is left.
double saved_ms(const Plan& plan) {
  constexpr double kBytesEach = sizeof(float);
  const double before = static_cast<double>(plan.before.elements_read) * kBytesEach;
  const double after = static_cast<double>(plan.after.elements_read) * kBytesEach;
  constexpr double kBytesPerGB = 1e9;
  return (before - after) / (read_bandwidth_gb_s(threads(), before) * kBytesPerGB) * 1e3;
}

int field_before(Args& args) { return push_figures(args.L(), plan_of(args)->plan().before); }
int field_after(Args& args) { return push_figures(args.L(), plan_of(args)->plan().after); }
int field_model(Args& args) {
  push_model(args.L(), plan_of(args)->model);
  return 1;
}
int field_criterion(Args& args) { return give(args, plan_of(args)->plan().criterion); }
int field_seed(Args& args) { return give(args, plan_of(args)->plan().seed); }
int field_model_hash(Args& args) { return give(args, plan_of(args)->plan().model_hash); }
int field_saved_ms(Args& args) { return give(args, saved_ms(plan_of(args)->plan())); }
int field_context(Args& args) { return give(args, plan_of(args)->plan().context); }

int field_notes(Args& args) {
  push_list(args.L(), plan_of(args)->plan().notes);
  return 1;
}

int field_data(Args& args) {
  lua_State* L = args.L();
  const PlanHandle open = plan_of(args);
  if (!open->plan().data) {
    lua_pushnil(L);
    return 1;
  }
  const DataUsed& used = *open->plan().data;
  NewTable table(L);
  table.set("source", used.source);
  table.set("hash", used.hash);
  table.set("tokens", used.tokens);
  table.set("window", used.window);
  return 1;
}

/// How many units of each kind go, of how many.
int field_counts(Args& args) {
  lua_State* L = args.L();
  const PlanHandle open = plan_of(args);
  NewTable table(L);
  for (const UnitKind kind :
       {UnitKind::heads, UnitKind::groups, UnitKind::neurons, UnitKind::layers}) {
    int64_t count = 0;
    for (const ScoredUnit& removed : open->plan().removed) count += removed.unit.kind == kind;
    if (count == 0) continue;
    NewTable entry(L);
    entry.set("removed", count);
    entry.set("of", units_in(open->model->config(), kind));
    table.take(name_of(kind));
  }
  int64_t masked = 0, elements = 0;
  for (const WeightMask& mask : open->plan().masks) {
    masked += mask.removed;
    elements += mask.elements;
  }
  if (!open->plan().masks.empty()) {
    NewTable entry(L);
    entry.set("removed", masked);
    entry.set("of", elements);
    table.take(name_of(UnitKind::weights));
  }
  return 1;
}

int plan_tostring(lua_State* L) {
  const auto* box = test_handle<PlanHandle>(L, 1);
  if (!box || !*box) {
    push(L, "closed plan");
    return 1;
  }
  lua_getglobal(L, "require");
  lua_pushliteral(L, "crescent.results");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "plan");
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

}  // namespace

void push_plan(lua_State* L, PlanHandle plan) { push_handle<PlanHandle>(L, std::move(plan)); }

void register_prune() {
  provide({
      {"crescent.prune.plan", prune_plan},
      {"crescent.prune.load", prune_load},
      {"crescent.prune.criterion", prune_criterion},
      {"crescent.prune.criteria", prune_criteria},
      {"crescent.prune.figures", prune_figures},
      {"crescent.prune.ledger", prune_ledger},
      {"plan:apply", plan_apply},
      {"plan:mask", plan_mask},
      {"plan:save", plan_save},
      {"plan:rows", plan_rows},
      {"plan:map", plan_map},
  });
  provide_fields({
      {"plan.model", field_model},
      {"plan.model_hash", field_model_hash},
      {"plan.criterion", field_criterion},
      {"plan.seed", field_seed},
      {"plan.data", field_data},
      {"plan.counts", field_counts},
      {"plan.before", field_before},
      {"plan.after", field_after},
      {"plan.context", field_context},
      {"plan.saved_ms", field_saved_ms},
      {"plan.notes", field_notes},
  });
  provide_metamethod("Plan", "__tostring", &guarded<plan_tostring>);
}

}  // namespace crescent
