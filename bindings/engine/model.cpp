#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "bindings/core/model_folder.h"
#include "bindings/engine/handles.h"
#include "bindings/engine/level_options.h"
#include "bindings/engine/out_of_memory.h"
#include "bindings/engine/tensor.h"
#include "bindings/observing.h"
#include "bindings/pressure.h"
#include "bindings/weak_set.h"
#include "engine/model/accounting.h"
#include "engine/model/load.h"
#include "engine/model/presets.h"
#include "engine/model/save.h"

namespace crescent {
namespace {

/// Held by value: a callback may close the handle while a function still works with the model.
ModelHandle model_of(const Args& args) { return args.handle<ModelHandle>(1); }

std::optional<Dtype> dtype_option(const Args& args) {
  return dtype_from_name(args.text("dtype"));  // 'stored' is no dtype: none
}

/// Models that Lua holds, for crescent.memory(); views at other levels share their weights.
WeakSet<const Model>& held_models() {
  static WeakSet<const Model> instance;
  return instance;
}

ModelMemory count_models() {
  std::unordered_set<const DecoderConfig*> seen;
  ModelMemory sum;
  for (const ModelHandle& model : held_models().living()) {
    if (!seen.insert(&model->config()).second) continue;
    ++sum.models;
    sum.bytes_stored += model->bytes_stored();
    sum.bytes_widened += model->bytes_widened();
    const PlanBytes plans = model->plan_bytes_of_all();
    sum.bytes_transposed += plans.transposed;
    sum.bytes_packed += plans.packed;
    sum.bytes_given_back += plans.given_back;
  }
  return sum;
}

int model_load(Args& args) {
  if (args.text(1).empty()) args.bad(1, "the path of a folder or the name of a model", "''");
  free_what_can_be_freed(args.L());  // models that were dropped: Lua doesn't see what they weigh
  const SectionSpan span(active_observer(), Section::load);
  push_model(args.L(), load_model(model_folder(args.text(1)),
                                  {.dtype = dtype_option(args), .verify = args.boolean("verify")}));
  return 1;
}

int model_preset(Args& args) {
  free_what_can_be_freed(args.L());
  push_model(args.L(), make_preset(preset(args.text(1)), static_cast<uint64_t>(args.number("seed")),
                                   *dtype_option(args)));
  return 1;
}

int model_optimize(Args& args) {
  if (is_auto_level(args)) return call_library(args.L(), "crescent.leveling.fastest", 2);
  const ModelHandle model = model_of(args);
  push_model(args.L(), model->optimized(read_level_options(args, *model)));
  return 1;
}

int model_passes(Args& args) {
  push_passes(args.L(), *model_of(args));
  return 1;
}

int model_weight(Args& args) {
  push_tensor(args.L(), model_of(args)->weight(args.text(2)));
  return 1;
}

int model_weights(Args& args) {
  lua_State* L = args.L();
  const ModelHandle model = model_of(args);
  NewTable rows(L);
  for (const TensorSpec& spec : model->layout()) {
    const at::Tensor& tensor = model->stored().at(spec);
    NewTable row(L);
    row.set("name", stored_name(spec, model->source().prefix));
    push_list(L, tensor.sizes());
    row.take("shape");
    row.set("dtype", name_of(dtype_of(tensor)));
    row.set("bytes", tensor.nbytes());
    rows.take_next();
  }
  set_result(L, "weights");
  return 1;
}

int model_hash(Args& args) {
  push(args.L(), model_of(args)->hash());
  return 1;
}

int model_save(Args& args) {
  save_model(*model_of(args), std::string(args.text(2)),
             {.dtype = dtype_option(args), .masked = args.boolean("masked")});
  return 0;
}

int model_close(Args& args) {
  test_handle<ModelHandle>(args.L(), 1)->reset();
  return 0;
}

int inspect_health(Args& args) {
  lua_State* L = args.L();
  NewTable rows(L);
  for (const TensorHealth& tensor : health(*model_of(args))) {
    NewTable row(L);
    row.set("name", tensor.name);
    row.set("elements", tensor.elements);
    row.set("nan", tensor.nan);
    row.set("infinite", tensor.infinite);
    row.set("abs_max", tensor.abs_max);
    row.set("mean", tensor.mean);
    row.set("deviation", tensor.deviation);
    rows.take_next();
  }
  set_result(L, "health");
  return 1;
}

// Fields.

void push_layer(lua_State* L, const LayerSpec& layer) {
  NewTable row(L);
  row.set("heads", layer.heads());
  row.set("kv_heads", layer.kv_heads);
  row.set("head_dim", layer.head_dim);
  push_from_one(L, layer.kv_of_head);
  row.take("kv_of_head");
  push_from_one(L, layer.origin.heads);
  row.take("original_heads");
  row.set("original_layer", layer.origin.layer + 1);
  row.set("attention_scale", layer.attention_scale);
  row.set("ffn_width", layer.ffn_width);
  row.set("has_attention", layer.has_attention);
  row.set("has_ffn", layer.has_ffn);
}

void push_rotary(lua_State* L, const Rotary& rotary) {
  NewTable table(L);
  table.set("theta", rotary.theta);
  table.set("scaling", name_of(rotary.scaling));
  if (rotary.scaling != Rotary::Scaling::none) table.set("factor", rotary.factor);
  if (rotary.scaling == Rotary::Scaling::llama3) {
    table.set("low_freq_factor", rotary.low_freq_factor);
    table.set("high_freq_factor", rotary.high_freq_factor);
    table.set("original_positions", rotary.original_positions);
  }
}

void push_config(lua_State* L, const DecoderConfig& config) {
  NewTable table(L);
  table.set("family", config.family);
  table.set("vocab", config.vocab);
  table.set("d_model", config.d_model);
  table.set("positions_max", config.positions_max);
  table.set("norm", name_of(config.norm));
  table.set("norm_eps", config.norm_eps);
  table.set("positions", name_of(config.positions));
  if (config.positions == PositionKind::rotary) {
    push_rotary(L, config.rotary);
    table.take("rotary");
  }
  table.set("activation", name_of(config.activation));
  table.set("gated_ffn", config.gated_ffn);
  table.set("qkv_bias", config.qkv_bias);
  table.set("attention_output_bias", config.attention_output_bias);
  table.set("ffn_bias", config.ffn_bias);
  table.set("tied_head", config.tied_head);
}

/// Views are made once a handle and kept in the userdata's environment.
template <class Make>
int cached_view(Args& args, const char* name, Make make) {
  lua_State* L = args.L();
  const ModelHandle model = model_of(args);
  lua_getfenv(L, 1);
  lua_getfield(L, -1, name);
  if (!lua_isnil(L, -1)) return 1;
  lua_pop(L, 1);
  make(*model);
  make_view(L, fmt::format("model.{}", name).c_str());
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, name);
  return 1;
}

int model_config(Args& args) {
  return cached_view(args, "config", [&](const Model& m) { push_config(args.L(), m.config()); });
}

int model_layers(Args& args) {
  return cached_view(args, "layers", [&](const Model& model) {
    NewTable rows(args.L());
    for (const LayerSpec& layer : model.config().layers) {
      push_layer(args.L(), layer);
      rows.take_next();
    }
  });
}

int model_params_by_part(Args& args) {
  return cached_view(args, "params_by_part", [&](const Model& model) {
    const PartCounts counts = parameters(model.layout());
    NewTable table(args.L());
    for (int part = 0; part < kParts; ++part)
      table.set(name_of(static_cast<Part>(part)), counts.by_part[static_cast<size_t>(part)]);
  });
}

int model_family(Args& args) { return give(args, model_of(args)->config().family); }
int model_params(Args& args) { return give(args, model_of(args)->parameters()); }
int model_level(Args& args) { return give(args, model_of(args)->level()); }
int model_dtype(Args& args) { return give(args, name_of(model_of(args)->dtype())); }
int model_device(Args& args) {
  model_of(args);  // an error if it is closed
  return give(args, "cpu");
}
int model_bytes(Args& args) { return give(args, model_of(args)->bytes_stored()); }
int model_bytes_widened(Args& args) { return give(args, model_of(args)->bytes_widened()); }
int model_bytes_transposed(Args& args) {
  return give(args, model_of(args)->plan_bytes().transposed);
}

int model_bytes_packed(Args& args) { return give(args, model_of(args)->plan_bytes().packed); }
int model_bytes_given_back(Args& args) {
  return give(args, model_of(args)->plan_bytes().given_back);
}

int model_path(Args& args) {
  const ModelHandle model = model_of(args);
  if (!model->source().folder) return 0;
  push(args.L(), model->source().folder->string());
  return 1;
}

int model_tokenizer(Args& args) {
  push_handle<TokenizerHandle>(args.L(), model_of(args)->tokenizer());
  return 1;
}

/// Puts the facts into a table and lets the Lua library format them.
int model_tostring(lua_State* L) {
  const auto* box = test_handle<ModelHandle>(L, 1);
  if (!box || !*box) {
    push(L, "closed model");
    return 1;
  }
  const ModelHandle held = **box;  // a finaliser may close the handle meanwhile
  const Model& model = *held;
  const auto& layers = model.config().layers;
  int32_t fewest = layers.empty() ? 0 : layers.front().heads(), most = 0;
  for (const LayerSpec& layer : layers) {
    fewest = std::min(fewest, layer.heads());
    most = std::max(most, layer.heads());
  }
  lua_getglobal(L, "require");
  lua_pushliteral(L, "crescent.results");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "model");
  NewTable facts(L);
  facts.set("family", model.config().family);
  facts.set("layers", layers.size());
  facts.set("heads_min", fewest);
  facts.set("heads_max", most);
  facts.set("d_model", model.config().d_model);
  facts.set("params", model.parameters());
  facts.set("dtype", name_of(model.dtype()));
  facts.set("device", "cpu");
  facts.set("bytes", model.bytes_stored());
  facts.set("bytes_widened", model.bytes_widened());
  const PlanBytes plan = model.plan_bytes();
  facts.set("bytes_transposed", plan.transposed);
  facts.set("bytes_packed", plan.packed);
  facts.set("bytes_given_back", plan.given_back);
  facts.set("level", words_of(model.options()));
  lua_call(L, 1, 1);
  return 1;
}

int model_newindex(lua_State* L) {
  throw ArgError(fmt::format("a model never changes: cannot set {}; an edit returns a new model",
                             lua_type(L, 2) == LUA_TSTRING
                                 ? fmt::format("model.{}", lua_tostring(L, 2))
                                 : fmt::format("model[{}]", describe(L, 2))));
}

}  // namespace

void push_model(lua_State* L, ModelHandle model) {
  held_models().add(model);
  push_handle<ModelHandle>(L, std::move(model));
  lua_newtable(L);
  lua_setfenv(L, -2);
}

void register_model() {
  set_model_memory(count_models);
  provide({
      {"crescent.load", model_load},
      {"crescent.preset", model_preset},
      {"crescent.inspect.health", inspect_health},
      {"model:optimize", model_optimize},
      {"model:passes", model_passes},
      {"model:weight", model_weight},
      {"model:weights", model_weights},
      {"model:hash", model_hash},
      {"model:save", model_save},
      {"model:close", model_close},
  });
  provide_fields({
      {"model.family", model_family},
      {"model.config", model_config},
      {"model.layers", model_layers},
      {"model.params", model_params},
      {"model.params_by_part", model_params_by_part},
      {"model.level", model_level},
      {"model.dtype", model_dtype},
      {"model.device", model_device},
      {"model.bytes", model_bytes},
      {"model.bytes_widened", model_bytes_widened},
      {"model.bytes_transposed", model_bytes_transposed},
      {"model.bytes_packed", model_bytes_packed},
      {"model.bytes_given_back", model_bytes_given_back},
      {"model.path", model_path},
      {"model.tokenizer", model_tokenizer},
  });
  provide_metamethod("Model", "__tostring", &guarded<model_tostring>);
  provide_metamethod("Model", "__newindex", &guarded<model_newindex>);
}

}  // namespace crescent
