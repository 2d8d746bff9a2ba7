#include "engine/model/config.h"

#include <cmath>
#include <numeric>

namespace crescent {

LayerSpec whole_layer(const LayerShape& shape) {
  LayerSpec layer;
  layer.head_dim = shape.head_dim;
  layer.kv_heads = shape.kv_heads;
  layer.attention_scale = 1.0 / std::sqrt(static_cast<double>(shape.head_dim));
  layer.ffn_width = shape.ffn_width;
  const auto heads = static_cast<size_t>(shape.heads);
  const size_t heads_of_kv = heads / static_cast<size_t>(shape.kv_heads);
  layer.kv_of_head.resize(heads);
  for (size_t h = 0; h < heads; ++h) layer.kv_of_head[h] = static_cast<int32_t>(h / heads_of_kv);
  layer.original_heads.resize(heads);
  std::iota(layer.original_heads.begin(), layer.original_heads.end(), 0);
  return layer;
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
