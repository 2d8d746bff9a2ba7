#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace crescent {

// What a decoder is, without a tensor in sight. Every family is described by the same orthogonal
// choices; nothing outside engine/families/ asks which family a model comes from.

enum class NormKind { layer_norm, rms_norm };
enum class PositionKind { learned, rotary };
enum class Activation { relu, gelu, gelu_tanh, silu };

/// Rotary positions, pairs (i, i + dim/2) ("rotate half"). Su et al. 2021, arXiv:2104.09864.
struct Rotary {
  enum class Scaling { none, linear, llama3 };
  double theta = 10000.0;
  Scaling scaling = Scaling::none;
  double factor = 1.0;             ///< linear and llama3
  double low_freq_factor = 1.0;    ///< llama3
  double high_freq_factor = 4.0;   ///< llama3
  int64_t original_positions = 0;  ///< llama3: the context the frequencies were trained for

  bool operator==(const Rotary&) const = default;
};

/// A layer as its family defines it, before anything is removed: all heads there, each key/value
/// head shared by heads / kv_heads neighbouring query heads, scores scaled by 1 / sqrt(head_dim).
struct LayerShape {
  int32_t heads = 0;
  int32_t kv_heads = 0;  ///< divides `heads`
  int64_t head_dim = 0;
  int64_t ffn_width = 0;

  bool operator==(const LayerShape&) const = default;
};

/// What a layer was in the family's file, before anything was removed. The function does not depend
/// on it: it is for pictures, for a second pruning, and to put zeros where weights were.
struct LayerOrigin {
  int32_t layer = 0;  ///< from 0
  LayerShape shape;
  std::vector<int32_t> heads;  ///< for every query head that is there, the number (from 0) it had

  bool operator==(const LayerOrigin&) const = default;
};

/// What may differ from layer to layer, resolved once at load. The forward pass never derives any
/// of it again from an index or a count, so a layer that lost heads or neurons is an ordinary one.
struct LayerSpec {
  int64_t head_dim = 0;
  std::vector<int32_t> kv_of_head;  ///< for every query head, the key/value head it reads
  int32_t kv_heads = 0;
  double attention_scale = 1.0;  ///< scores are multiplied by it
  int64_t ffn_width = 0;
  bool has_attention = true;
  bool has_ffn = true;
  LayerOrigin origin;

  int32_t heads() const { return static_cast<int32_t>(kv_of_head.size()); }
  bool operator==(const LayerSpec&) const = default;
};

LayerSpec whole_layer(const LayerShape& shape, int32_t layer = 0);
std::vector<LayerSpec> whole_layers(const LayerShape& shape, int64_t count);

struct DecoderConfig {
  std::string family;  ///< the `model_type` of config.json
  int64_t vocab = 0;
  int64_t d_model = 0;
  int64_t positions_max = 0;  ///< longest sequence, in tokens

  NormKind norm = NormKind::layer_norm;
  double norm_eps = 1e-5;
  PositionKind positions = PositionKind::learned;
  Rotary rotary;  ///< only with PositionKind::rotary

  Activation activation = Activation::gelu_tanh;
  bool gated_ffn = false;  ///< down(act(gate(x)) * up(x)) instead of down(act(up(x)))
  bool qkv_bias = true;
  bool attention_output_bias = true;
  bool ffn_bias = true;
  bool tied_head = true;

  std::vector<LayerSpec> layers;

  bool operator==(const DecoderConfig&) const = default;
};

/// Do both compute the same from the same weights? Everything but the origin counts.
bool same_function(const LayerSpec& a, const LayerSpec& b);
bool same_function(const DecoderConfig& a, const DecoderConfig& b);

/// Names as the documentation and messages use them: 'gelu_tanh', 'rms_norm', 'rotary', 'llama3'.
const char* name_of(NormKind);
const char* name_of(PositionKind);
const char* name_of(Activation);
const char* name_of(Rotary::Scaling);

}  // namespace crescent
