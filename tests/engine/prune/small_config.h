#pragma once
#include "engine/families/family.h"
#include "engine/model/config.h"

namespace crescent::test {

inline Layout layout_of(const DecoderConfig& config) {
  return family_of(config.family, "test").layout(config);
}

/// 3 layers of 4 heads that share 2 key/value heads, 12 neurons.
inline DecoderConfig small_llama() {
  DecoderConfig config;
  config.family = "llama";
  config.vocab = 10;
  config.d_model = 8;
  config.positions_max = 16;
  config.norm = NormKind::rms_norm;
  config.positions = PositionKind::rotary;
  config.activation = Activation::silu;
  config.gated_ffn = true;
  config.qkv_bias = config.attention_output_bias = config.ffn_bias = false;
  config.tied_head = false;
  config.layers =
      whole_layers({.heads = 4, .kv_heads = 2, .head_dim = 4, .ffn_width = 12}, /*count=*/3);
  return config;
}

/// 3 layers of 2 heads, 12 neurons.
inline DecoderConfig small_gpt2() {
  DecoderConfig config;
  config.family = "gpt2";
  config.vocab = 10;
  config.d_model = 8;
  config.positions_max = 16;
  config.layers =
      whole_layers({.heads = 2, .kv_heads = 2, .head_dim = 4, .ffn_width = 12}, /*count=*/3);
  return config;
}

}  // namespace crescent::test
