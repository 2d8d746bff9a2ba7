#include "engine/model/config.h"

#include <cmath>
#include <numeric>

namespace crescent {

LayerSpec whole_layer(const LayerShape& shape, int32_t index) {
  LayerSpec layer;
  layer.head_dim = shape.head_dim;
  layer.kv_heads = shape.kv_heads;
  layer.attention_scale = 1.0 / std::sqrt(static_cast<double>(shape.head_dim));
  layer.ffn_width = shape.ffn_width;
  const auto heads = static_cast<size_t>(shape.heads);
  const size_t heads_of_kv = heads / static_cast<size_t>(shape.kv_heads);
  layer.kv_of_head.resize(heads);
  for (size_t h = 0; h < heads; ++h) layer.kv_of_head[h] = static_cast<int32_t>(h / heads_of_kv);
  layer.origin = {.layer = index, .shape = shape, .heads = std::vector<int32_t>(heads)};
  std::iota(layer.origin.heads.begin(), layer.origin.heads.end(), 0);
  return layer;
}

std::vector<LayerSpec> whole_layers(const LayerShape& shape, int64_t count) {
  std::vector<LayerSpec> layers;
  for (int64_t i = 0; i < count; ++i) {
    layers.push_back(whole_layer(shape, static_cast<int32_t>(i)));
  }
  return layers;
}

bool same_function(const LayerSpec& a, const LayerSpec& b) {
  LayerSpec b_from_a = b;
  b_from_a.origin = a.origin;
  return a == b_from_a;
}

bool same_function(const DecoderConfig& a, const DecoderConfig& b) {
  if (a.layers.size() != b.layers.size()) return false;
  DecoderConfig b_from_a = b;
  for (size_t i = 0; i < a.layers.size(); ++i) b_from_a.layers[i].origin = a.layers[i].origin;
  return a == b_from_a;
}

const char* name_of(NormKind kind) {
  return kind == NormKind::layer_norm ? "layer_norm" : "rms_norm";
}

const char* name_of(PositionKind kind) {
  return kind == PositionKind::learned ? "learned" : "rotary";
}

const char* name_of(Activation activation) {
  switch (activation) {
    case Activation::relu: return "relu";
    case Activation::gelu: return "gelu";
    case Activation::gelu_tanh: return "gelu_tanh";
    case Activation::silu: return "silu";
  }
  return "";
}

const char* name_of(Rotary::Scaling scaling) {
  switch (scaling) {
    case Rotary::Scaling::none: return "none";
    case Rotary::Scaling::linear: return "linear";
    case Rotary::Scaling::llama3: return "llama3";
  }
  return "";
}

}  // namespace crescent
