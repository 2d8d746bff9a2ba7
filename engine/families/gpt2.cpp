// GPT-2: learned positions, layer norm before each half of a block, gelu, biases everywhere, query,
// key and value in one matrix, matrices stored [in, out] ("Conv1D"), a tied head.
// Keys: transformers, models/gpt2/configuration_gpt2.py.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/families/fields.h"
#include "engine/families/known.h"

namespace crescent {
namespace {

constexpr double kNormEps = 1e-5;  // the family's default
constexpr const char* kActivation = "gelu_new";

struct AttentionScaling {
  bool by_head_dim = true;        ///< scale_attn_weights
  bool by_inverse_layer = false;  ///< scale_attn_by_inverse_layer_idx: divided by 1, 2, 3, ...

  double scale(int64_t head_dim, size_t layer) const {
    const double base = by_head_dim ? 1.0 / std::sqrt(static_cast<double>(head_dim)) : 1.0;
    return by_inverse_layer ? base / static_cast<double>(layer + 1) : base;
  }
};

void refuse_what_is_not_done(const Fields& fields) {
  fields.refuse_flag("add_cross_attention");
  fields.refuse_flag("is_encoder_decoder");
  fields.refuse_content("pruned_heads");
  fields.refuse_content("quantization_config");
  // reorder_and_upcast_attn computes the scores in fp32, which is what is done here anyway.
}

LayerShape read_shape(const Fields& fields, int64_t layers, int64_t d_model) {
  const auto heads = fields.size({"n_head", "num_attention_heads"}, kHeadsMax);
  if (d_model % heads != 0) {
    fields.refuse("n_head", fmt::format("a divisor of 'n_embd', {}", d_model),
                  std::to_string(heads));
  }
  const LayerShape shape{
      .heads = static_cast<int32_t>(heads),
      .kv_heads = static_cast<int32_t>(heads),
      .head_dim = d_model / heads,
      .ffn_width = fields.optional_size({"n_inner"}, kFfnWidthMax).value_or(4 * d_model)};
  check_heads_of_model(fields, {"n_layer", layers, "n_head", heads});
  return shape;
}

class Gpt2 final : public Family {
 public:
  std::string_view model_type() const override { return "gpt2"; }
  std::vector<std::string_view> prefixes() const override { return {"transformer.", ""}; }

  DecoderConfig read(const nlohmann::json& json, std::string_view where) const override {
    const Fields fields(json, where);
    refuse_what_is_not_done(fields);
    DecoderConfig config;
    config.family = model_type();
    config.vocab = fields.size({"vocab_size"}, kVocabMax);
    config.d_model = fields.size({"n_embd", "hidden_size"}, kWidthMax);
    config.positions_max = read_positions(fields);
    config.norm = NormKind::layer_norm;
    config.norm_eps = fields.positive("layer_norm_epsilon", kNormEps);
    config.positions = PositionKind::learned;
    config.activation = fields.activation("activation_function", kActivation);
    config.tied_head = fields.flag("tie_word_embeddings", true);

    const int64_t layers = fields.size({"n_layer", "num_hidden_layers"}, kLayersMax);
    const LayerShape shape = read_shape(fields, layers, config.d_model);
    const AttentionScaling scaling{
        .by_head_dim = fields.flag("scale_attn_weights", true),
        .by_inverse_layer = fields.flag("scale_attn_by_inverse_layer_idx", false)};
    config.layers = whole_layers(shape, layers);
    for (size_t i = 0; i < config.layers.size(); ++i) {
      config.layers[i].attention_scale = scaling.scale(shape.head_dim, i);
    }
    return config;
  }

  nlohmann::json write(const DecoderConfig& config) const override {
    const LayerShape shape = shape_of_every_layer(config);
    check_expressible(config, shape);
    const AttentionScaling scaling = scaling_of(config);
    return {
        {"model_type", model_type()},
        {"architectures", nlohmann::json::array({"GPT2LMHeadModel"})},
        {"vocab_size", config.vocab},
        {"n_positions", config.positions_max},
        {"n_ctx", config.positions_max},
        {"n_embd", config.d_model},
        {"n_layer", config.layers.size()},
        {"n_head", shape.heads},
        {"n_inner", shape.ffn_width},
        {"activation_function", hugging_face_name_of(config.activation)},
        {"layer_norm_epsilon", config.norm_eps},
        {"scale_attn_weights", scaling.by_head_dim},
        {"scale_attn_by_inverse_layer_idx", scaling.by_inverse_layer},
        {"tie_word_embeddings", config.tied_head},
    };
  }

  Layout layout(const DecoderConfig& config) const override {
    const int64_t C = config.d_model;
    Layout layout;
    const auto add = [&](const char* name, Slot slot, std::vector<int64_t> shape, Part part) {
      layout.push_back({.name = name, .slot = slot, .shape = std::move(shape), .part = part});
    };
    add("wte.weight", Slot::token_embedding, {config.vocab, C}, Part::embedding);
    add("wpe.weight", Slot::position_embedding, {config.positions_max, C}, Part::positions);
    for (size_t i = 0; i < config.layers.size(); ++i) add_layer(layout, config, i);
    add("ln_f.weight", Slot::final_norm_weight, {C}, Part::norm);
    add("ln_f.bias", Slot::final_norm_bias, {C}, Part::norm);
    if (!config.tied_head) {
      add("lm_head.weight", Slot::head_weight, {config.vocab, C}, Part::head);
    }
    return layout;
  }

  bool ignorable(std::string_view name, const DecoderConfig& config) const override {
    if (name == "lm_head.weight") return config.tied_head;
    // The causal mask and the number that stood for minus infinity, which older files store.
    return is_of_some_layer(name, "h.", config, {".attn.bias", ".attn.masked_bias"});
  }

 private:
  /// `n_ctx` stands beside `n_positions` in old files and was never read by itself.
  static int64_t read_positions(const Fields& fields) {
    if (const auto positions =
            fields.optional_size({"n_positions", "max_position_embeddings"}, kPositionsMax)) {
      return *positions;
    }
    if (const auto context = fields.optional_size({"n_ctx"}, kPositionsMax)) return *context;
    return fields.size({"n_positions"}, kPositionsMax);  // says that it is missing
  }

  static void add_layer(Layout& layout, const DecoderConfig& config, size_t index) {
    const LayerSpec& layer = config.layers[index];
    const int64_t C = config.d_model;
    const int64_t query = layer.heads() * layer.head_dim;
    const int64_t qkv = query + 2 * layer.kv_heads * layer.head_dim;
    const auto add = [&](const char* name, Slot slot, std::vector<int64_t> shape, Part part) {
      const bool is_matrix = shape.size() == 2;  // all of them Conv1D
      layout.push_back({.name = fmt::format("h.{}.{}", index, name),
                        .slot = slot,
                        .layer = static_cast<int32_t>(index),
                        .shape = std::move(shape),
                        .in_out = is_matrix,
                        .part = part});
    };
    if (layer.has_attention) {
      add("ln_1.weight", Slot::attention_norm_weight, {C}, Part::norm);
      add("ln_1.bias", Slot::attention_norm_bias, {C}, Part::norm);
      add("attn.c_attn.weight", Slot::qkv_weight, {C, qkv}, Part::attention);
      add("attn.c_attn.bias", Slot::qkv_bias, {qkv}, Part::attention);
      add("attn.c_proj.weight", Slot::attention_output_weight, {query, C}, Part::attention);
      add("attn.c_proj.bias", Slot::attention_output_bias, {C}, Part::attention);
    }
    if (layer.has_ffn) {
      const int64_t F = layer.ffn_width;
      add("ln_2.weight", Slot::ffn_norm_weight, {C}, Part::norm);
      add("ln_2.bias", Slot::ffn_norm_bias, {C}, Part::norm);
      add("mlp.c_fc.weight", Slot::ffn_up_weight, {C, F}, Part::ffn);
      add("mlp.c_fc.bias", Slot::ffn_up_bias, {F}, Part::ffn);
      add("mlp.c_proj.weight", Slot::ffn_down_weight, {F, C}, Part::ffn);
      add("mlp.c_proj.bias", Slot::ffn_down_bias, {C}, Part::ffn);
    }
  }

  static void check_expressible(const DecoderConfig& config, const LayerShape& shape) {
    require_expressible(config.norm == NormKind::layer_norm, config,
                        "another norm than layer_norm");
    require_expressible(config.positions == PositionKind::learned, config,
                        "other positions than learned ones");
    require_expressible(!config.gated_ffn, config, "a gated feed-forward");
    require_expressible(config.qkv_bias && config.attention_output_bias && config.ffn_bias, config,
                        "missing biases");
    require_expressible(shape.heads == shape.kv_heads, config, "shared key/value heads");
    require_expressible(shape.heads * shape.head_dim == config.d_model, config,
                        "heads that don't add up to n_embd");
  }

  static AttentionScaling scaling_of(const DecoderConfig& config) {
    for (const bool by_head_dim : {true, false}) {
      for (const bool by_inverse_layer : {false, true}) {
        const AttentionScaling scaling{by_head_dim, by_inverse_layer};
        bool fits = true;
        for (size_t i = 0; i < config.layers.size(); ++i) {
          const LayerSpec& layer = config.layers[i];
          fits &= layer.attention_scale == scaling.scale(layer.head_dim, i);
        }
        if (fits) return scaling;
      }
    }
    require_expressible(false, config, "these attention scales");
    return {};
  }
};

}  // namespace

const Family& gpt2_family() {
  static const Gpt2 family;
  return family;
}

}  // namespace crescent
