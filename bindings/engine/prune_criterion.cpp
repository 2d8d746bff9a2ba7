// Criteria written in Lua: { needs, score, doc } by name in the registry's table. A unit arrives as
// a table; what its criterion didn't name in `needs` is not computed, and reading it is an error.
#include <ATen/ops/cat.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>

#include "bindings/callback.h"
#include "bindings/engine/prune.h"
#include "bindings/engine/tensor.h"
#include "engine/exec/forward.h"
#include "engine/nearest.h"
#include "engine/prune/measure.h"

namespace crescent {
namespace {

constexpr const char* kRegistryKey = "crescent.prune.criteria";
constexpr std::array<std::string_view, 3> kNeeds{"weights", "activations", "gradients"};

/// Pushes the table of all criteria.
void push_all(lua_State* L) {
  lua_getfield(L, LUA_REGISTRYINDEX, kRegistryKey);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, kRegistryKey);
}

/// Pushes one criterion's table; nil if there is none.
void push_one(lua_State* L, std::string_view name) {
  push_all(L);
  lua_pushlstring(L, name.data(), name.size());
  lua_rawget(L, -2);
  lua_remove(L, -2);
}

bool criterion_needs(lua_State* L, std::string_view name, std::string_view what) {
  push_one(L, name);
  lua_getfield(L, -1, "needs");
  bool found = false;
  const auto count = static_cast<int>(lua_objlen(L, -1));
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, -1, i);
    found = found || what == lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 2);
  return found;
}

void check_needs(const Args& args) {
  lua_State* L = args.L();
  args.push("needs");
  const auto count = lua_istable(L, -1) ? static_cast<int>(lua_objlen(L, -1)) : 0;
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, -1, i);
    const std::string given = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    if (std::find(kNeeds.begin(), kNeeds.end(), given) == kNeeds.end()) {
      args.bad("needs", fmt::format("names out of {}", fmt::join(kNeeds, ", ")),
               fmt::format("{}{}", describe(L, -1), did_you_mean(given, kNeeds)));
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

void refuse_taken_name(const Args& args, const std::string& name) {
  for (const Criterion* criterion : criteria()) {
    if (criterion->name() == name) {
      args.bad(1, "a new name", fmt::format("'{}', which crescent has already", name));
    }
  }
  if (!is_lua_criterion(args.L(), name)) return;
  if (!at_prompt()) args.bad(1, "a new name", fmt::format("'{}', which is taken", name));
  fmt::print(stderr, "note: criterion '{}' is replaced\n", name);
}

/// Every matrix and bias of one model, or their gradients, as [out, in] whichever way stored.
class Slices {
 public:
  Slices(const Model& model, const Weights& weights) : model_(model), weights_(weights) {}

  void push(lua_State* L, const Unit& unit) const {
    NewTable table(L);
    const auto layer = static_cast<size_t>(unit.layer);
    const LayerSpec& spec = model_.config().layers[layer];
    switch (unit.kind) {
      case UnitKind::heads:
        push_heads(L, table, layer, {unit.index}, spec.kv_of_head[static_cast<size_t>(unit.index)]);
        break;
      case UnitKind::groups: {
        std::vector<int64_t> heads;
        for (size_t h = 0; h < spec.kv_of_head.size(); ++h) {
          if (spec.kv_of_head[h] == unit.index) heads.push_back(static_cast<int64_t>(h));
        }
        push_heads(L, table, layer, heads, unit.index);
        break;
      }
      case UnitKind::neurons:
        put(L, table, "up", matrix(Slot::ffn_up_weight, layer).select(0, unit.index));
        if (weights_.at(Slot::ffn_gate_weight, layer).defined()) {
          put(L, table, "gate", matrix(Slot::ffn_gate_weight, layer).select(0, unit.index));
        }
        put(L, table, "down", matrix(Slot::ffn_down_weight, layer).select(1, unit.index));
        break;
      case UnitKind::layers:
        for (const TensorSpec& tensor : model_.layout()) {
          if (tensor.layer == unit.layer) put(L, table, tensor.name.c_str(), weights_.at(tensor));
        }
        break;
      case UnitKind::weights: break;
    }
  }

 private:
  static void put(lua_State* L, const NewTable& table, const char* name, const at::Tensor& tensor) {
    push_tensor(L, tensor);
    table.take(name);
  }

  at::Tensor matrix(Slot slot, size_t layer) const {
    const Linear linear = weights_.linear(slot, slot, layer);
    return linear.in_out ? linear.weight.t() : linear.weight;
  }

  /// q (heads * D, C), k and v (D, C), o (C, heads * D)
  void push_heads(lua_State* L, const NewTable& table, size_t layer,
                  const std::vector<int64_t>& heads, int64_t kv) const {
    const LayerSpec& spec = model_.config().layers[layer];
    const int64_t D = spec.head_dim, query = spec.heads() * D, width = spec.kv_heads * D;
    at::Tensor q, k, v;
    if (weights_.at(Slot::qkv_weight, layer).defined()) {
      const at::Tensor all = matrix(Slot::qkv_weight, layer);
      q = all.narrow(0, 0, query);
      k = all.narrow(0, query, width);
      v = all.narrow(0, query + width, width);
    } else {
      q = matrix(Slot::q_weight, layer);
      k = matrix(Slot::k_weight, layer);
      v = matrix(Slot::v_weight, layer);
    }
    const at::Tensor o = matrix(Slot::attention_output_weight, layer);
    put(L, table, "q", of_heads(q, 0, heads, D));
    put(L, table, "k", k.narrow(0, kv * D, D));
    put(L, table, "v", v.narrow(0, kv * D, D));
    put(L, table, "o", of_heads(o, 1, heads, D));
  }

  static at::Tensor of_heads(const at::Tensor& tensor, int64_t dim,
                             const std::vector<int64_t>& heads, int64_t D) {
    std::vector<at::Tensor> parts;
    for (const int64_t head : heads) parts.push_back(tensor.narrow(dim, head * D, D));
    return parts.size() == 1 ? parts.front() : at::cat(parts, dim);
  }

  const Model& model_;
  const Weights& weights_;
};

/// The gradient of the mean loss, averaged over all windows.
Weights mean_gradients(const Model& model, const ScoreOptions& options) {
  Weights mean(model.config().layers.size());
  std::vector<at::Tensor> sums;
  const int64_t count = for_each_window(model, *options.data, options, [&](const at::Tensor& ids) {
    const LossAndGradients pass = loss_and_gradients(model, ids);
    const c10::NoGradGuard no_grad;
    for (size_t i = 0; i < pass.gradients.size(); ++i) {
      if (sums.size() == i) sums.push_back(at::zeros_like(pass.gradients[i]));
      sums[i].add_(pass.gradients[i]);
    }
  });
  for (size_t i = 0; i < sums.size(); ++i) {
    mean.set(model.layout()[i], sums[i].div_(static_cast<double>(count)));
  }
  return mean;
}

/// What heads, neurons and blocks put out, for all tokens of the data: (N, width) by layer.
class Outputs final : public Observer {
 public:
  Outputs(const Model& model, UnitKind kind) : kind_(kind), parts_(model.config().layers.size()) {}

  SiteSet wanted_tensors() const override {
    if (kind_ == UnitKind::layers) return SiteSet{}.add(Site::embedding).add(Site::block);
    return SiteSet{}.add(kind_ == UnitKind::neurons ? Site::ffn_activation : Site::attention_value);
  }
  void tensor(Site site, int32_t layer, const TensorView& view) override {
    const c10::NoGradGuard no_grad;
    const at::Tensor x = as_tensor(view).reshape({-1, view.shape.back()}).clone();
    if (site == Site::embedding) embeddings_.push_back(x);
    else parts_[static_cast<size_t>(layer)].push_back(x);
  }
  void finish() {
    for (auto& layer : parts_) outputs_.push_back(layer.empty() ? at::Tensor() : at::cat(layer, 0));
    if (!embeddings_.empty()) embedding_ = at::cat(embeddings_, 0);
  }

  void push(lua_State* L, const Model& model, const Unit& unit) const {
    NewTable table(L);
    const auto layer = static_cast<size_t>(unit.layer);
    const at::Tensor& all = outputs_[layer];
    const LayerSpec& spec = model.config().layers[layer];
    at::Tensor output = all;
    if (unit.kind == UnitKind::heads) {
      output = all.narrow(1, unit.index * spec.head_dim, spec.head_dim);
    } else if (unit.kind == UnitKind::groups) {
      std::vector<at::Tensor> heads;
      for (size_t h = 0; h < spec.kv_of_head.size(); ++h) {
        if (spec.kv_of_head[h] != unit.index) continue;
        heads.push_back(all.narrow(1, static_cast<int64_t>(h) * spec.head_dim, spec.head_dim));
      }
      output = at::cat(heads, 1);
    } else if (unit.kind == UnitKind::neurons) {
      output = all.select(1, unit.index);
    } else if (unit.kind == UnitKind::layers) {
      push_tensor(L, layer == 0 ? embedding_ : outputs_[layer - 1]);
      table.take("input");
    }
    push_tensor(L, output);
    table.take("output");
  }

 private:
  UnitKind kind_;
  std::vector<std::vector<at::Tensor>> parts_;
  std::vector<at::Tensor> embeddings_, outputs_;
  at::Tensor embedding_;
};

/// __index of a unit's table: says why a field is missing.
int missing_field(lua_State* L) {
  const char* const name = luaL_checkstring(L, lua_upvalueindex(1));
  const std::string field = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : describe(L, 2);
  const bool is_need = std::find(kNeeds.begin(), kNeeds.end(), field) != kNeeds.end();
  throw ArgError(
      is_need ? fmt::format("criterion '{}' reads {} without naming it in `needs`", name, field)
              : fmt::format("criterion '{}': a unit has no field '{}'; it has kind, "
                            "layer, index and what `needs` names",
                            name, field));
}

std::string place_of(const Unit& unit) {
  if (unit.kind == UnitKind::layers) return fmt::format("layer {}", unit.layer + 1);
  return fmt::format("{} {} of layer {}", singular_of(unit.kind), unit.index + 1, unit.layer + 1);
}

/// The result at the top of the stack, popped.
double take_score(lua_State* L, std::string_view name, const Unit& unit) {
  double score = std::nan("");
  bool is_number = lua_type(L, -1) == LUA_TNUMBER;
  std::string got = describe(L, -1);
  if (is_number) {
    score = lua_tonumber(L, -1);
  } else if (const auto* box = test_handle<LuaTensor>(L, -1); box && *box) {
    const at::Tensor tensor = (**box).tensor();
    is_number = tensor.numel() == 1;
    if (is_number) score = tensor.item<double>();
  }
  lua_pop(L, 1);
  if (is_number && std::isnan(score)) got = "nan";
  if (!is_number || std::isnan(score)) {
    fail("criterion '{}': expected a number or a tensor of one element, got {} for {}", name, got,
         place_of(unit));
  }
  return score;
}

}  // namespace

bool is_lua_criterion(lua_State* L, std::string_view name) {
  push_one(L, name);
  const bool is = !lua_isnil(L, -1);
  lua_pop(L, 1);
  return is;
}

bool lua_criterion_needs_data(lua_State* L, std::string_view name) {
  return criterion_needs(L, name, "activations") || criterion_needs(L, name, "gradients");
}

Scores score_in_lua(lua_State* L, std::string_view name, const Model& given, UnitKind kind,
                    const ScoreOptions& options) {
  const auto model = in_float(given);
  std::optional<Slices> weights, gradients;
  std::optional<Weights> gradient_values;
  std::optional<Outputs> outputs;
  if (criterion_needs(L, name, "weights")) weights.emplace(*model, model->wide());
  if (criterion_needs(L, name, "gradients")) {
    gradient_values = mean_gradients(*model, options);
    gradients.emplace(*model, *gradient_values);
  }
  if (criterion_needs(L, name, "activations")) {
    outputs.emplace(*model, kind);
    observe_data(*model, *options.data, *outputs, options);
    outputs->finish();
  }
  push_one(L, name);
  lua_getfield(L, -1, "score");
  const Callback score(L, -1);
  lua_pop(L, 2);

  const std::string own_name(name);
  const int64_t total = units_in(model->config(), kind);
  int64_t done = 0;
  Scores scores{.kind = kind, .of = {}};
  for (size_t i = 0; i < model->config().layers.size(); ++i) {
    std::vector<double> of_layer(static_cast<size_t>(units_in(model->config(), kind, i)));
    for (size_t index = 0; index < of_layer.size(); ++index) {
      const Unit unit{kind, static_cast<int32_t>(i), static_cast<int32_t>(index)};
      score.call(1, [&](lua_State* state) {
        NewTable table(state);
        table.set("kind", singular_of(kind));
        table.set("layer", unit.layer + 1);
        table.set("index", unit.index + 1);
        if (weights) weights->push(state, unit), table.take("weights");
        if (gradients) gradients->push(state, unit), table.take("gradients");
        if (outputs) outputs->push(state, *model, unit), table.take("activations");
        lua_newtable(state);
        lua_pushstring(state, own_name.c_str());
        lua_pushcclosure(state, &guarded<missing_field>, 1);
        lua_setfield(state, -2, "__index");
        lua_setmetatable(state, -2);
        return 1;
      });
      of_layer[index] = take_score(L, name, unit);
      if (options.on_progress) options.on_progress(++done, total);
    }
    scores.of.push_back(std::move(of_layer));
  }
  return scores;
}

int prune_criterion(Args& args) {
  lua_State* L = args.L();
  const std::string name(args.text(1));
  if (name.empty()) args.bad(1, "a name", "''");
  check_needs(args);
  refuse_taken_name(args, name);
  push_all(L);
  NewTable criterion(L);
  args.push("score");
  criterion.take("score");
  args.push("needs");
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
  }
  criterion.take("needs");
  criterion.set("doc", args.text("doc"));
  lua_setfield(L, -2, name.c_str());
  return 0;
}

int prune_criteria(Args& args) {
  lua_State* L = args.L();
  NewTable rows(L);
  for (const Criterion* criterion : criteria()) {
    NewTable row(L);
    row.set("name", criterion->name());
    row.set("needs_data", criterion->needs_data());
    NewTable kinds(L);
    for (const UnitKind kind :
         {UnitKind::heads, UnitKind::neurons, UnitKind::layers, UnitKind::weights}) {
      if (criterion->can_score(kind)) kinds.append(name_of(kind));
    }
    row.take("kinds");
    row.set("doc", criterion->doc());
    rows.take_next();
  }
  push_all(L);
  const int all = lua_gettop(L);
  std::map<std::string, std::string> own;
  lua_pushnil(L);
  while (lua_next(L, all) != 0) {
    lua_getfield(L, -1, "doc");
    own[lua_tostring(L, -3)] = lua_tostring(L, -1);
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
  for (const auto& [name, doc] : own) {
    NewTable row(L);
    row.set("name", name);
    row.set("needs_data", lua_criterion_needs_data(L, name));
    NewTable kinds(L);
    for (const UnitKind kind : {UnitKind::heads, UnitKind::neurons, UnitKind::layers}) {
      kinds.append(name_of(kind));
    }
    row.take("kinds");
    row.set("doc", doc);
    rows.take_next();
  }
  set_result(L, "criteria");
  return 1;
}

}  // namespace crescent
