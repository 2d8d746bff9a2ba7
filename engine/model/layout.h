#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/config.h"

namespace crescent {

/// The place of a tensor in our description, whatever a family's file calls it.
enum class Slot {
  token_embedding,
  position_embedding,
  final_norm_weight,
  final_norm_bias,
  head_weight,
  // per layer from here on
  attention_norm_weight,
  attention_norm_bias,
  qkv_weight,
  qkv_bias,  // where the file stores the three fused
  q_weight,
  q_bias,
  k_weight,
  k_bias,
  v_weight,
  v_bias,
  attention_output_weight,
  attention_output_bias,
  ffn_norm_weight,
  ffn_norm_bias,
  ffn_gate_weight,
  ffn_gate_bias,
  ffn_up_weight,
  ffn_up_bias,
  ffn_down_weight,
  ffn_down_bias,
};
constexpr int kSlots = static_cast<int>(Slot::ffn_down_bias) + 1;

/// The parts by which parameters, bytes and FLOPs are counted.
enum class Part { embedding, positions, norm, attention, ffn, head };
const char* name_of(Part);

/// One tensor that a family's file must hold for a given description.
struct TensorSpec {
  std::string name;  ///< without the family's prefix: 'h.0.attn.c_attn.weight'
  Slot slot;
  int32_t layer = -1;          ///< from 0; -1 for tensors of the whole model
  std::vector<int64_t> shape;  ///< as stored
  bool in_out = false;         ///< GPT-2's Conv1D: stored [in, out] instead of [out, in]
  Part part;
};

/// All tensors of a description, in forward order. One list drives loading, saving, presets and
/// accounting, so that the four can't disagree.
using Layout = std::vector<TensorSpec>;

}  // namespace crescent
