// Llama 1 to 3 and what is shaped like them: rotary positions, RMS norm before each half of a
// block, a gated feed-forward, shared key/value heads, matrices stored [out, in].
// Keys: transformers, models/llama/configuration_llama.py and modeling_rope_utils.py.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/families/fields.h"
#include "engine/families/known.h"
#include "engine/formats/describe.h"

namespace crescent {
namespace {

// What the family takes for settings that are left out. Sizes have no such defaults.
constexpr double kNormEps = 1e-6;
constexpr double kTheta = 10000.0;
constexpr const char* kActivation = "silu";

void refuse_what_is_not_done(const Fields& fields) {
  fields.refuse_flag("is_encoder_decoder");
  fields.refuse_flag("add_cross_attention");
  fields.refuse_content("pruned_heads");
  fields.refuse_content("quantization_config");
  // pretraining_tp only says in how many pieces the same products were computed.
}

void refuse_partial_rotary(const Fields& fields) {
  const double share = fields.positive("partial_rotary_factor", 1.0);
  if (share != 1.0) {
    fields.refuse("partial_rotary_factor", "1 (crescent turns whole heads in this family)",
                  fmt::format("{}", share));
  }
}

/// "rope_type", or "type" in older files; some have both.
Rotary::Scaling read_scaling(const Fields& fields) {
  const std::string old_spelling = fields.word("type", "default");
  const std::string name = fields.word("rope_type", old_spelling);
  if (fields.find("type") && name != old_spelling) {
    fields.refuse("type", fmt::format("{} as in 'rope_type'", in_quotes(name)),
                  in_quotes(old_spelling));
  }
  if (name == "default") return Rotary::Scaling::none;
  if (name == "linear") return Rotary::Scaling::linear;
  if (name == "llama3") return Rotary::Scaling::llama3;
  fields.refuse(fields.find("rope_type") ? "rope_type" : "type", "one of default, linear, llama3",
                in_quotes(name));
}

/// A key that belongs to another kind of scaling must not be passed over in silence.
void refuse_unknown_keys(const Fields& fields, const nlohmann::json& object,
                         Rotary::Scaling scaling) {
  std::vector<std::string_view> known{"type", "rope_type", "rope_theta", "partial_rotary_factor"};
  if (scaling != Rotary::Scaling::none) known.push_back("factor");
  if (scaling == Rotary::Scaling::llama3) {
    known.insert(known.end(),
                 {"low_freq_factor", "high_freq_factor", "original_max_position_embeddings"});
  }
  for (const auto& [key, value] : object.items()) {
    if (value.is_null() || std::find(known.begin(), known.end(), key) != known.end()) continue;
    fields.refuse(key.c_str(),
                  fmt::format("no such key with rope type '{}'",
                              scaling == Rotary::Scaling::none ? "default" : name_of(scaling)),
                  describe(value));
  }
}

double required(const Fields& fields, const char* name) {
  if (const auto value = fields.optional_positive(name)) return *value;
  fields.refuse(name, "a number above 0", "nothing");
}

/// Reads `rope_parameters` (transformers 5) or `rope_scaling` (before).
Rotary read_rotary_object(const Fields& config, const char* name, int64_t positions_max) {
  const nlohmann::json* object = config.find(name);
  if (!object) return {};
  if (!object->is_object()) config.refuse(name, "an object", describe(*object));
  const std::string inside = fmt::format("{}.", name);
  const Fields fields(*object, config.where(), inside);

  Rotary rotary{.theta = fields.positive("rope_theta", kTheta), .scaling = read_scaling(fields)};
  refuse_unknown_keys(fields, *object, rotary.scaling);
  refuse_partial_rotary(fields);
  if (rotary.scaling != Rotary::Scaling::none) rotary.factor = required(fields, "factor");
  if (rotary.scaling == Rotary::Scaling::llama3) {
    rotary.low_freq_factor = required(fields, "low_freq_factor");
    rotary.high_freq_factor = required(fields, "high_freq_factor");
    if (rotary.high_freq_factor <= rotary.low_freq_factor) {
      fields.refuse("high_freq_factor",
                    fmt::format("more than 'low_freq_factor', {}", rotary.low_freq_factor),
                    fmt::format("{}", rotary.high_freq_factor));
    }
    rotary.original_positions =
        fields.optional_size({"original_max_position_embeddings"}, kPositionsMax)
            .value_or(positions_max);
  }
  return rotary;
}

bool gives_theta(const Fields& config, const char* object_name) {
  const nlohmann::json* object = config.find(object_name);
  return object && object->contains("rope_theta");
}

/// The base may stand at the top level, in the object, or in both if they agree.
Rotary read_rotary(const Fields& config, int64_t positions_max) {
  const char* const kNew = "rope_parameters";
  const char* const kOld = "rope_scaling";
  const bool is_new = config.find(kNew) != nullptr;
  const char* const name = is_new ? kNew : kOld;
  Rotary rotary = read_rotary_object(config, name, positions_max);
  if (const auto theta = config.optional_positive("rope_theta")) {
    if (gives_theta(config, name) && *theta != rotary.theta) {
      config.refuse("rope_theta", fmt::format("{} as in '{}'", rotary.theta, name),
                    fmt::format("{}", *theta));
    }
    rotary.theta = *theta;
  }
  if (is_new && config.find(kOld)) {
    Rotary old = read_rotary_object(config, kOld, positions_max);
    if (!gives_theta(config, kOld)) old.theta = rotary.theta;
    if (old != rotary) config.refuse(kOld, "the same as in 'rope_parameters'", "something else");
  }
  return rotary;
}

/// Written in the oldest spelling that fits, which every later version of transformers reads too:
/// older ones take linear scaling with exactly two keys, "type" and "factor".
void write_rotary(const Rotary& rotary, nlohmann::json& json) {
  json["rope_theta"] = rotary.theta;
  switch (rotary.scaling) {
    case Rotary::Scaling::none: json["rope_scaling"] = nullptr; return;
    case Rotary::Scaling::linear:
      json["rope_scaling"] = {{"type", "linear"}, {"factor", rotary.factor}};
      return;
    case Rotary::Scaling::llama3:
      json["rope_scaling"] = {{"rope_type", "llama3"},
                              {"factor", rotary.factor},
                              {"low_freq_factor", rotary.low_freq_factor},
                              {"high_freq_factor", rotary.high_freq_factor},
                              {"original_max_position_embeddings", rotary.original_positions}};
  }
}

int64_t read_head_dim(const Fields& fields, int64_t heads, int64_t d_model) {
  const auto given = fields.optional_size({"head_dim"}, kHeadDimMax);
  if (!given && d_model % heads != 0) {
    fields.refuse("num_attention_heads",
                  fmt::format("a divisor of 'hidden_size', {} (or a 'head_dim')", d_model),
                  std::to_string(heads));
  }
  const int64_t head_dim = given.value_or(d_model / heads);
  if (head_dim % 2 != 0) {
    fields.refuse("head_dim", "an even number, since rotary positions turn pairs",
                  std::to_string(head_dim));
  }
  return head_dim;
}

LayerShape read_shape(const Fields& fields, int64_t layers, int64_t d_model) {
  const int64_t heads = fields.size({"num_attention_heads"}, kHeadsMax);
  // Llama 1 had no such key: every head with a key/value head of its own.
  const int64_t kv_heads = fields.optional_size({"num_key_value_heads"}, kHeadsMax).value_or(heads);
  if (heads % kv_heads != 0) {
    fields.refuse("num_key_value_heads",
                  fmt::format("a divisor of 'num_attention_heads', {}", heads),
                  std::to_string(kv_heads));
  }
  const int64_t head_dim = read_head_dim(fields, heads, d_model);
  if (heads * head_dim > kAttentionWidthMax) {
    fields.refuse("head_dim",
                  fmt::format("at most {} as the product of 'num_attention_heads' and 'head_dim'",
                              kAttentionWidthMax),
                  std::to_string(heads * head_dim));
  }
  check_heads_of_model(fields, {"num_hidden_layers", layers, "num_attention_heads", heads});
  return {.heads = static_cast<int32_t>(heads),
          .kv_heads = static_cast<int32_t>(kv_heads),
          .head_dim = head_dim,
          .ffn_width = fields.size({"intermediate_size"}, kFfnWidthMax)};
}

/// y = W x + b: a matrix [out, in] and, in some checkpoints, a bias.
struct Product {
  std::string name;
  Slot weight, bias;
  int64_t out, in;
  bool has_bias;
  Part part;
};

class Llama final : public Family {
 public:
  std::string_view model_type() const override { return "llama"; }
  std::vector<std::string_view> prefixes() const override { return {"model.", ""}; }

  DecoderConfig read(const nlohmann::json& json, std::string_view where) const override {
    const Fields fields(json, where);
    refuse_what_is_not_done(fields);
    refuse_partial_rotary(fields);
    DecoderConfig config;
    config.family = model_type();
    config.vocab = fields.size({"vocab_size"}, kVocabMax);
    config.d_model = fields.size({"hidden_size"}, kWidthMax);
    config.positions_max = fields.size({"max_position_embeddings"}, kPositionsMax);
    config.norm = NormKind::rms_norm;
    config.norm_eps = fields.positive("rms_norm_eps", kNormEps);
    config.positions = PositionKind::rotary;
    config.rotary = read_rotary(fields, config.positions_max);
    config.activation = fields.activation("hidden_act", kActivation);
    config.gated_ffn = true;
    config.qkv_bias = config.attention_output_bias = fields.flag("attention_bias", false);
    config.ffn_bias = fields.flag("mlp_bias", false);
    config.tied_head = fields.flag("tie_word_embeddings", false);

    const int64_t layers = fields.size({"num_hidden_layers"}, kLayersMax);
    const LayerShape shape = read_shape(fields, layers, config.d_model);
    config.layers = whole_layers(shape, layers);
    return config;
  }

  nlohmann::json write(const DecoderConfig& config) const override {
    const LayerShape shape = shape_of_every_layer(config);
    check_expressible(config);
    nlohmann::json json = {
        {"model_type", model_type()},
        {"architectures", nlohmann::json::array({"LlamaForCausalLM"})},
        {"vocab_size", config.vocab},
        {"max_position_embeddings", config.positions_max},
        {"hidden_size", config.d_model},
        {"num_hidden_layers", config.layers.size()},
        {"num_attention_heads", shape.heads},
        {"num_key_value_heads", shape.kv_heads},
        {"head_dim", shape.head_dim},
        {"intermediate_size", shape.ffn_width},
        {"hidden_act", hugging_face_name_of(config.activation)},
        {"rms_norm_eps", config.norm_eps},
        {"attention_bias", config.qkv_bias},
        {"mlp_bias", config.ffn_bias},
        {"tie_word_embeddings", config.tied_head},
    };
    write_rotary(config.rotary, json);
    return json;
  }

  Layout layout(const DecoderConfig& config) const override {
    const int64_t C = config.d_model;
    Layout layout;
    const auto add = [&](const char* name, Slot slot, std::vector<int64_t> shape, Part part) {
      layout.push_back({.name = name, .slot = slot, .shape = std::move(shape), .part = part});
    };
    add("embed_tokens.weight", Slot::token_embedding, {config.vocab, C}, Part::embedding);
    for (size_t i = 0; i < config.layers.size(); ++i) add_layer(layout, config, i);
    add("norm.weight", Slot::final_norm_weight, {C}, Part::norm);
    if (!config.tied_head) {
      add("lm_head.weight", Slot::head_weight, {config.vocab, C}, Part::head);
    }
    return layout;
  }

  bool ignorable(std::string_view name, const DecoderConfig& config) const override {
    if (name == "lm_head.weight") return config.tied_head;
    // The table of frequencies, which older files store; it follows from the config.
    return is_of_some_layer(name, "layers.", config, {".self_attn.rotary_emb.inv_freq"});
  }

 private:
  static void add_layer(Layout& layout, const DecoderConfig& config, size_t index) {
    const LayerSpec& layer = config.layers[index];
    const int64_t C = config.d_model;
    const int64_t query = layer.heads() * layer.head_dim;
    const int64_t kv = layer.kv_heads * layer.head_dim;
    const auto add = [&](const std::string& name, Slot slot, std::vector<int64_t> shape,
                         Part part) {
      layout.push_back({.name = fmt::format("layers.{}.{}", index, name),
                        .slot = slot,
                        .layer = static_cast<int32_t>(index),
                        .shape = std::move(shape),
                        .part = part});
    };
    const auto add_product = [&](const Product& product) {
      add(product.name + ".weight", product.weight, {product.out, product.in}, product.part);
      if (product.has_bias) add(product.name + ".bias", product.bias, {product.out}, product.part);
    };
    const bool qkv_bias = config.qkv_bias, output_bias = config.attention_output_bias;
    if (layer.has_attention) {
      const Part part = Part::attention;
      add("input_layernorm.weight", Slot::attention_norm_weight, {C}, Part::norm);
      add_product({"self_attn.q_proj", Slot::q_weight, Slot::q_bias, query, C, qkv_bias, part});
      add_product({"self_attn.k_proj", Slot::k_weight, Slot::k_bias, kv, C, qkv_bias, part});
      add_product({"self_attn.v_proj", Slot::v_weight, Slot::v_bias, kv, C, qkv_bias, part});
      add_product({"self_attn.o_proj", Slot::attention_output_weight, Slot::attention_output_bias,
                   C, query, output_bias, part});
    }
    if (layer.has_ffn) {
      const int64_t F = layer.ffn_width;
      const bool bias = config.ffn_bias;
      const Part part = Part::ffn;
      add("post_attention_layernorm.weight", Slot::ffn_norm_weight, {C}, Part::norm);
      add_product({"mlp.gate_proj", Slot::ffn_gate_weight, Slot::ffn_gate_bias, F, C, bias, part});
      add_product({"mlp.up_proj", Slot::ffn_up_weight, Slot::ffn_up_bias, F, C, bias, part});
      add_product({"mlp.down_proj", Slot::ffn_down_weight, Slot::ffn_down_bias, C, F, bias, part});
    }
  }

  static void check_expressible(const DecoderConfig& config) {
    require_expressible(config.norm == NormKind::rms_norm, config, "another norm than rms_norm");
    require_expressible(config.positions == PositionKind::rotary, config,
                        "other positions than rotary ones");
    require_expressible(config.gated_ffn, config, "a feed-forward without a gate");
    require_expressible(config.qkv_bias == config.attention_output_bias, config,
                        "biases on a part of the attention");
    for (const LayerSpec& layer : config.layers) {
      const LayerSpec whole = whole_layer({.heads = layer.heads(),
                                           .kv_heads = layer.kv_heads,
                                           .head_dim = layer.head_dim,
                                           .ffn_width = layer.ffn_width});
      require_expressible(same_function(layer, whole), config, "these attention scales");
    }
  }
};

}  // namespace

const Family& llama_family() {
  static const Llama family;
  return family;
}

}  // namespace crescent
