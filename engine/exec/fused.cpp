#include "engine/exec/fused.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/addmv.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/roll.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <limits>
#include <map>

#include "engine/exec/reference.h"
#include "engine/interrupt.h"
#include "engine/model/accounting.h"
#include "engine/saturated.h"

// Level 1. The same function as reference.cpp in as few operators as LibTorch has for it:
//
//   x (B*T, C) -> qkv (B*T, (H+2K)*D) -> q (B, H, T, D), k and v (B, K, S, D)
//     -> scores (B*K, G*T, S) -> context (B, H, T, D) -> (B*T, C)
//
// B and T are one dimension wherever a token is on its own. S counts the keys: those in the cache
// and the T new ones. G = H / K query heads share a key/value head and become rows of one product.

namespace crescent {
namespace {

/// What a call computes once for all its layers.
class Call {
 public:
  Call(const DecoderConfig& config, const Weights& weights, const at::Tensor& ids,
       const Watch& watch, const FusedOptions& options)
      : config_(config),
        weights_(weights),
        watch_(watch),
        cache_(options.cache),
        last_only_(options.last_only),
        ids_(ids),
        batch_(ids.size(0)),
        tokens_(ids.size(1)),
        past_(cache_ ? cache_->length : 0),
        grad_(c10::GradMode::is_enabled()) {}

  at::Tensor run();

 private:
  struct Qkv {
    at::Tensor q, k, v;  // (B, H, T, D), (B, K, S, D), (B, K, S, D)
  };
  struct Turn {
    at::Tensor cos, sin;  // (T, D); the first half of sin is negated
  };

  at::Tensor embed();
  at::Tensor norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) const;
  at::Tensor project(const at::Tensor& x, const Linear& linear) const;
  Qkv project_qkv(size_t layer, const at::Tensor& x);
  at::Tensor attention(size_t layer, const at::Tensor& x);
  at::Tensor attend(size_t layer, const at::Tensor& q, at::Tensor k, at::Tensor v);
  at::Tensor feed_forward(size_t layer, const at::Tensor& x);
  at::Tensor activate(const at::Tensor& x) const;
  at::Tensor rotate(const at::Tensor& x);
  at::Tensor plus(at::Tensor x, const at::Tensor& y) const;
  const at::Tensor& mask(int64_t group);

  const DecoderConfig& config_;
  const Weights& weights_;
  const Watch& watch_;
  KvCache* cache_;
  bool last_only_;
  const at::Tensor& ids_;
  int64_t batch_, tokens_, past_;
  bool grad_;
  std::map<int64_t, at::Tensor> masks_;  // by group size
  std::map<int64_t, Turn> turns_;        // by head_dim
};

/// x (rows, in) -> (rows, out)
at::Tensor Call::project(const at::Tensor& x, const Linear& linear) const {
  const at::Tensor weight = linear.in_out ? linear.weight : linear.weight.t();  // [in, out]
  // One row is a matrix-vector product: BLAS's general product would first copy the whole matrix.
  if (x.size(0) == 1 && !grad_) {
    const at::Tensor column = x.view({x.size(1)});
    const at::Tensor y = linear.bias.defined() ? at::addmv(linear.bias, weight.t(), column)
                                               : at::mv(weight.t(), column);
    return y.view({1, y.size(0)});
  }
  return linear.bias.defined() ? at::addmm(linear.bias, x, weight) : at::mm(x, weight);
}

at::Tensor Call::norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) const {
  if (config_.norm == NormKind::layer_norm) {
    return at::layer_norm(x, {x.size(-1)}, weight, bias, config_.norm_eps);
  }
  const at::Tensor scale = at::rsqrt((x * x).mean(-1, /*keepdim=*/true) + config_.norm_eps);
  const at::Tensor y = x * scale * weight;
  return bias.defined() ? y + bias : y;
}

at::Tensor Call::activate(const at::Tensor& x) const {
  switch (config_.activation) {
    case Activation::relu: return at::relu(x);
    case Activation::gelu: return at::gelu(x);
    case Activation::gelu_tanh: return at::gelu(x, "tanh");
    case Activation::silu: return at::silu(x);
  }
  fail("activation number {} is unknown", static_cast<int>(config_.activation));
}

/// The residual stream belongs to this call, so without gradients it is added to where it lies.
at::Tensor Call::plus(at::Tensor x, const at::Tensor& y) const { return grad_ ? x + y : x.add_(y); }

/// (G*T, S), or (1, S) where every key may be seen. Added to the scores: 0, or -inf for the future.
const at::Tensor& Call::mask(int64_t group) {
  at::Tensor& mask = masks_[group];
  if (!mask.defined()) {
    const int64_t keys = past_ + tokens_;
    mask = tokens_ == 1
               ? at::zeros({1, keys}, at::kFloat)
               : at::full({tokens_, keys}, -std::numeric_limits<float>::infinity(), at::kFloat)
                     .triu(past_ + 1)
                     .repeat({group, 1});
  }
  return mask;
}

/// @param x  (B, heads, T, D)
at::Tensor Call::rotate(const at::Tensor& x) {
  const int64_t head_dim = x.size(3), half = head_dim / 2;
  Turn& turn = turns_[head_dim];
  if (!turn.cos.defined()) {
    std::vector<float> frequencies = rotary_frequencies(config_.rotary, head_dim);
    const at::Tensor angles = at::outer(at::arange(past_, past_ + tokens_, at::kFloat),
                                        at::from_blob(frequencies.data(), {half}, at::kFloat));
    const at::Tensor cos = angles.cos(), sin = angles.sin();
    turn = {at::cat({cos, cos}, -1), at::cat({-sin, sin}, -1)};
  }
  // (first, second) -> (first cos - second sin, second cos + first sin)
  return at::addcmul(x * turn.cos, at::roll(x, half, -1), turn.sin);
}

bool groups_are_uniform(const LayerSpec& spec) {
  if (spec.kv_heads == 0 || spec.heads() % spec.kv_heads != 0) return false;
  const int32_t group = spec.heads() / spec.kv_heads;
  for (int32_t head = 0; head < spec.heads(); ++head) {
    if (spec.kv_of_head[static_cast<size_t>(head)] != head / group) return false;
  }
  return true;
}

/// @param q (B, H, T, D)   @param k, v (B, K, S, D)   @return (B, H, T, D)
at::Tensor Call::attend(size_t layer, const at::Tensor& q, at::Tensor k, at::Tensor v) {
  const LayerSpec& spec = config_.layers[layer];
  const auto index = static_cast<int64_t>(layer);
  const int64_t H = spec.heads(), D = spec.head_dim, keys = past_ + tokens_;
  if (!groups_are_uniform(spec)) {
    const at::Tensor kv_of_head =
        at::from_blob(const_cast<int32_t*>(spec.kv_of_head.data()), {H}, at::kInt);
    k = k.index_select(1, kv_of_head);
    v = v.index_select(1, kv_of_head);
  }
  const int64_t K = k.size(1), group = H / K;
  at::Tensor scores, p;  // (B*K, G*T, S)
  {
    const Watch::Span span(watch_, Site::attention_scores, index);
    const at::Tensor rows = q.reshape({batch_ * K, group * tokens_, D});
    const at::Tensor columns = k.reshape({batch_ * K, keys, D}).transpose(1, 2);
    // beta stays 1 even where the mask is all zero: with beta 0, LibTorch 1.13 multiplies what was
    // in the result's memory by it, and a NaN there stays a NaN.
    scores = at::baddbmm(mask(group), rows, columns, /*beta=*/1, /*alpha=*/spec.attention_scale);
  }
  {
    const Watch::Span span(watch_, Site::attention_softmax, index);
    p = at::softmax(scores, -1);
    watch_.tensor(Site::attention_softmax, index, p, {batch_, H, tokens_, keys});
  }
  const Watch::Span span(watch_, Site::attention_value, index);
  return at::bmm(p, v.reshape({batch_ * K, keys, D})).view({batch_, H, tokens_, D});
}

/// Queries of the new tokens, keys and values of all. Query, key and value heads stand side by
/// side, as GPT-2's files have them, so that rotary positions turn queries and keys in one go.
/// @param x  (B*T, C), normalized
Call::Qkv Call::project_qkv(size_t layer, const at::Tensor& x) {
  const LayerSpec& spec = config_.layers[layer];
  const int64_t H = spec.heads(), K = spec.kv_heads;
  at::Tensor all;  // (B*T, (H+2K)*D)
  if (weights_.at(Slot::qkv_weight, layer).defined()) {
    all = project(x, weights_.linear(Slot::qkv_weight, Slot::qkv_bias, layer));
  } else {
    all = at::cat({project(x, weights_.linear(Slot::q_weight, Slot::q_bias, layer)),
                   project(x, weights_.linear(Slot::k_weight, Slot::k_bias, layer)),
                   project(x, weights_.linear(Slot::v_weight, Slot::v_bias, layer))},
                  -1);
  }
  all = all.view({batch_, tokens_, H + 2 * K, spec.head_dim}).transpose(1, 2);
  const bool turn = config_.positions == PositionKind::rotary;
  const at::Tensor qk = turn ? rotate(all.narrow(1, 0, H + K)) : all.narrow(1, 0, H + K);
  Qkv qkv{qk.narrow(1, 0, H), qk.narrow(1, H, K), all.narrow(1, H + K, K)};
  if (cache_) {
    const at::Tensor &keys = cache_->keys[layer], &values = cache_->values[layer];
    keys.narrow(2, past_, tokens_).copy_(qkv.k);
    values.narrow(2, past_, tokens_).copy_(qkv.v);
    qkv.k = keys.narrow(2, 0, past_ + tokens_);
    qkv.v = values.narrow(2, 0, past_ + tokens_);
  }
  return qkv;
}

/// @param x  (B*T, C), normalized   @return (B*T, C)
at::Tensor Call::attention(size_t layer, const at::Tensor& x) {
  const LayerSpec& spec = config_.layers[layer];
  const auto index = static_cast<int64_t>(layer);
  const int64_t H = spec.heads(), D = spec.head_dim;
  Qkv qkv;
  {
    const Watch::Span span(watch_, Site::qkv, index);
    qkv = project_qkv(layer, x);
  }
  at::Tensor heads;  // (B*T, H*D)
  {
    const Watch::Span span(watch_, Site::attention, index);
    if (H == 0) {
      // All heads are gone: what is left of the attention is the output's bias.
      heads = at::empty({batch_ * tokens_, 0}, x.options());
      watch_.tensor(Site::attention_softmax, index, heads, {batch_, 0, tokens_, past_ + tokens_});
    } else {
      heads = attend(layer, qkv.q, qkv.k, qkv.v).transpose(1, 2).reshape({batch_ * tokens_, H * D});
    }
  }
  watch_.tensor(Site::attention_value, index, heads, {batch_, tokens_, H * D});
  const Watch::Span span(watch_, Site::attention_output, index);
  const at::Tensor y = project(
      heads, weights_.linear(Slot::attention_output_weight, Slot::attention_output_bias, layer));
  watch_.tensor(Site::attention_output, index, y, {batch_, tokens_, config_.d_model});
  return y;
}

/// @param x  (B*T, C), normalized   @return (B*T, C)
at::Tensor Call::feed_forward(size_t layer, const at::Tensor& x) {
  const auto index = static_cast<int64_t>(layer);
  const int64_t width = config_.layers[layer].ffn_width;
  const auto projected = [&](Site site, Slot weight, Slot bias) {
    const Watch::Span span(watch_, site, index);
    return project(x, weights_.linear(weight, bias, layer));
  };
  at::Tensor up, gate, hidden;  // (B*T, F)
  {
    const Watch::Span whole(watch_, Site::ffn_up, index);
    if (config_.gated_ffn) {
      gate = projected(Site::ffn_gate_product, Slot::ffn_gate_weight, Slot::ffn_gate_bias);
      up = projected(Site::ffn_up_product, Slot::ffn_up_weight, Slot::ffn_up_bias);
      watch_.tensor(Site::ffn_gate_product, index, gate, {batch_, tokens_, width});
    } else {
      up = project(x, weights_.linear(Slot::ffn_up_weight, Slot::ffn_up_bias, layer));
    }
    watch_.tensor(Site::ffn_up, index, up, {batch_, tokens_, width});
  }
  {
    const Watch::Span whole(watch_, Site::ffn_activation, index);
    if (config_.gated_ffn) {
      {
        const Watch::Span span(watch_, Site::ffn_activate, index);
        hidden = activate(gate);
      }
      const Watch::Span span(watch_, Site::ffn_multiply, index);
      hidden = grad_ ? hidden * up : hidden.mul_(up);
    } else {
      hidden = activate(up);
    }
    watch_.tensor(Site::ffn_activation, index, hidden, {batch_, tokens_, width});
  }
  const Watch::Span span(watch_, Site::ffn_down, index);
  const at::Tensor y =
      project(hidden, weights_.linear(Slot::ffn_down_weight, Slot::ffn_down_bias, layer));
  watch_.tensor(Site::ffn_down, index, y, {batch_, tokens_, config_.d_model});
  return y;
}

at::Tensor Call::embed() {
  const Watch::Span span(watch_, Site::embedding, kNoLayer);
  at::Tensor x =
      at::embedding(weights_.at(Slot::token_embedding), ids_);  // (B, T, C), our own copy
  if (config_.positions == PositionKind::learned) {
    x = plus(x, weights_.at(Slot::position_embedding).narrow(0, past_, tokens_));
  }
  watch_.tensor(Site::embedding, kNoLayer, x);
  return x.view({batch_ * tokens_, config_.d_model});
}

at::Tensor Call::run() {
  const at::DimVector shape{batch_, tokens_, config_.d_model};
  at::Tensor x = embed();
  for (size_t layer = 0; layer < config_.layers.size(); ++layer) {
    check_interrupt();
    const auto index = static_cast<int64_t>(layer);
    const auto normed = [&](Site site, Slot weight, Slot bias) {
      const Watch::Span span(watch_, site, index);
      const at::Tensor y = norm(x, weights_.at(weight, layer), weights_.at(bias, layer));
      watch_.tensor(site, index, y, shape);
      return y;
    };
    const Watch::Span span(watch_, Site::block, index);
    if (config_.layers[layer].has_attention) {
      const at::Tensor y =
          normed(Site::attention_norm, Slot::attention_norm_weight, Slot::attention_norm_bias);
      const at::Tensor added = attention(layer, y);
      const Watch::Span sum(watch_, Site::attention_residual, index);
      x = plus(x, added);
      watch_.tensor(Site::attention_residual, index, x, shape);
    }
    if (config_.layers[layer].has_ffn) {
      const at::Tensor y = normed(Site::ffn_norm, Slot::ffn_norm_weight, Slot::ffn_norm_bias);
      const at::Tensor added = feed_forward(layer, y);
      const Watch::Span sum(watch_, Site::ffn_residual, index);
      x = plus(x, added);
    }
    watch_.tensor(Site::block, index, x, shape);
  }
  int64_t rows = tokens_;
  if (last_only_ && tokens_ > 1) {
    x = x.view(shape).select(1, tokens_ - 1);  // (B, C)
    rows = 1;
  }
  {
    const Watch::Span span(watch_, Site::final_norm, kNoLayer);
    x = norm(x, weights_.at(Slot::final_norm_weight), weights_.at(Slot::final_norm_bias));
    watch_.tensor(Site::final_norm, kNoLayer, x, {batch_, rows, config_.d_model});
  }
  const Watch::Span span(watch_, Site::head, kNoLayer);
  const at::Tensor none;
  const Slot head = config_.tied_head ? Slot::token_embedding : Slot::head_weight;  // [V, C]
  const at::Tensor logits = project(x, {weights_.at(head), none, /*in_out=*/false});
  watch_.tensor(Site::head, kNoLayer, logits, {batch_, rows, config_.vocab});
  return logits.view({batch_, rows, config_.vocab});
}

}  // namespace

int64_t KvCache::bytes_for(const DecoderConfig& config, int64_t batch, int64_t capacity) {
  const int64_t elements = cache_elements(config, {.batch = batch, .capacity = capacity});
  return saturated_product({elements, int64_t{sizeof(float)}});
}

KvCache::KvCache(const DecoderConfig& config, int64_t batch, int64_t capacity)
    : capacity(capacity) {
  for (const LayerSpec& layer : config.layers) {
    at::Tensor k, v;
    if (layer.has_attention) {
      k = at::empty({batch, layer.kv_heads, capacity, layer.head_dim}, at::kFloat);
      v = at::empty_like(k);
    }
    keys.push_back(k);
    values.push_back(v);
  }
}

at::Tensor fused_forward(const DecoderConfig& config, const Weights& weights, const at::Tensor& ids,
                         const Watch& watch, const FusedOptions& options) {
  return Call(config, weights, ids, watch, options).run();
}

}  // namespace crescent
