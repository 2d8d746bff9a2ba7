#include "engine/exec/reference.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/erf.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tanh.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "engine/interrupt.h"

// Level 0, the whole decoder from top to bottom. Every other level must agree with this page, so it
// is written to be checked against the papers, not to be fast.
//
//   x = token embedding (+ position embedding)                          (B, T, C)
//   for every layer:
//     x = x + attention(norm(x))
//     x = x + feed_forward(norm(x))
//   logits = norm(x) W_head                                             (B, T, V)
//
// Pre-norm blocks of a causal decoder: Vaswani et al. 2017, arXiv:1706.03762, as arranged by
// Radford et al. 2019 (GPT-2, section 2.3). Shape letters: B batch, T tokens, C d_model, H heads, K
// key/value heads, D head_dim, F feed-forward width, V vocabulary.

namespace crescent {
namespace {

/// x (..., in) -> (..., out). GPT-2's files store W as [in, out], all others as [out, in].
at::Tensor project(const at::Tensor& x, const Linear& linear) {
  const at::Tensor y = at::matmul(x, linear.in_out ? linear.weight : linear.weight.t());
  return linear.bias.defined() ? y + linear.bias : y;
}

/// Layer norm: (x - mean) / sqrt(variance + eps) * weight + bias. Ba et al. 2016, arXiv:1607.06450.
/// RMS norm: x / sqrt(mean of squares + eps) * weight. Zhang & Sennrich 2019, arXiv:1910.07467.
at::Tensor normalize(const DecoderConfig& config, const at::Tensor& x, const at::Tensor& weight,
                     const at::Tensor& bias) {
  const at::Tensor centred =
      config.norm == NormKind::layer_norm ? x - x.mean(-1, /*keepdim=*/true) : x;
  const at::Tensor variance = (centred * centred).mean(-1, /*keepdim=*/true);  // (B, T, 1)
  const at::Tensor y = centred * at::rsqrt(variance + config.norm_eps) * weight;
  return bias.defined() ? y + bias : y;
}

/// GELU and its tanh form: Hendrycks & Gimpel 2016, arXiv:1606.08415, section 2.
/// SiLU, also called Swish: x * sigmoid(x).
at::Tensor activate(Activation activation, const at::Tensor& x) {
  switch (activation) {
    case Activation::relu: return x.clamp_min(0);
    case Activation::gelu: return 0.5 * x * (1 + at::erf(x * std::sqrt(0.5)));
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + at::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::silu: return x * at::sigmoid(x);
  }
  fail("activation number {} is unknown", static_cast<int>(activation));
}

/// Turns the pairs (i, i + D/2) of every head by position * frequency[i].
/// Su et al. 2021, arXiv:2104.09864, section 3.4.2; these files pair the halves of a head, not
/// neighbours as the paper's equation 34 does.
/// @param x  (B, T, D), one head's queries or keys
at::Tensor rotate(const Rotary& rotary, const at::Tensor& x) {
  const int64_t tokens = x.size(1), head_dim = x.size(2), half = head_dim / 2;
  std::vector<float> frequencies = rotary_frequencies(rotary, head_dim);
  const at::Tensor angles = at::outer(at::arange(tokens, at::kFloat),
                                      at::from_blob(frequencies.data(), {half}, at::kFloat));
  const at::Tensor cos = angles.cos(), sin = angles.sin();  // (T, D/2)
  const at::Tensor first = x.narrow(-1, 0, half), second = x.narrow(-1, half, half);
  return at::cat({first * cos - second * sin, second * cos + first * sin}, -1);
}

struct Qkv {
  at::Tensor q, k, v;
};  // (B, T, H*D), (B, T, K*D), (B, T, K*D)

/// x (B, T, heads*D), every head turned.
at::Tensor rotate_heads(const Rotary& rotary, const at::Tensor& x, int64_t head_dim) {
  std::vector<at::Tensor> heads;
  for (int64_t at = 0; at < x.size(-1); at += head_dim)
    heads.push_back(rotate(rotary, x.narrow(-1, at, head_dim)));
  return heads.empty() ? x : at::cat(heads, -1);
}

/// Some files store the three projections side by side in one matrix: q, then k, then v.
Qkv project_qkv(const LayerSpec& spec, const Weights& weights, size_t layer, const at::Tensor& x) {
  if (weights.at(Slot::qkv_weight, layer).defined()) {
    const at::Tensor qkv = project(x, weights.linear(Slot::qkv_weight, Slot::qkv_bias, layer));
    const int64_t q_width = spec.heads() * spec.head_dim, kv_width = spec.kv_heads * spec.head_dim;
    return {qkv.narrow(-1, 0, q_width), qkv.narrow(-1, q_width, kv_width),
            qkv.narrow(-1, q_width + kv_width, kv_width)};
  }
  return {project(x, weights.linear(Slot::q_weight, Slot::q_bias, layer)),
          project(x, weights.linear(Slot::k_weight, Slot::k_bias, layer)),
          project(x, weights.linear(Slot::v_weight, Slot::v_bias, layer))};
}

/// softmax(q k^T * scale + causal mask) v, head by head: arXiv:1706.03762, equation 1. Several
/// query heads may read one key/value head: Ainslie et al. 2023 (GQA), arXiv:2305.13245.
/// @param x  (B, T, C), normalized   @return (B, T, C)
at::Tensor attention(const DecoderConfig& config, const Weights& weights, size_t layer,
                     const at::Tensor& x, const Watch& watch) {
  const LayerSpec& spec = config.layers[layer];
  const auto index = static_cast<int64_t>(layer);
  const int64_t batch = x.size(0), tokens = x.size(1), D = spec.head_dim;
  Qkv all;
  {
    const Watch::Span span(watch, Site::qkv, index);
    all = project_qkv(spec, weights, layer, x);
    if (config.positions == PositionKind::rotary) {
      all.q = rotate_heads(config.rotary, all.q, D);
      all.k = rotate_heads(config.rotary, all.k, D);
    }
  }
  std::vector<at::Tensor> outputs, probabilities;  // H of (B, T, D), H of (B, T, T)
  {
    const Watch::Span whole(watch, Site::attention, index);
    // future[t][s] is true where s > t: a token sees itself and what came before it.
    const at::Tensor future = at::ones({tokens, tokens}, at::kBool).triu(1);
    for (int64_t head = 0; head < spec.heads(); ++head) {
      const int64_t kv_head = spec.kv_of_head[static_cast<size_t>(head)];
      const at::Tensor q = all.q.narrow(-1, head * D, D);
      const at::Tensor k = all.k.narrow(-1, kv_head * D, D);
      const at::Tensor v = all.v.narrow(-1, kv_head * D, D);
      at::Tensor scores, p;  // (B, T, T): row = query, column = key
      {
        const Watch::Span span(watch, Site::attention_scores, index);
        scores = at::matmul(q, k.transpose(-2, -1));
      }
      {
        const Watch::Span span(watch, Site::attention_scale_mask, index);
        scores = (scores * spec.attention_scale)
                     .masked_fill(future, -std::numeric_limits<float>::infinity());
      }
      {
        const Watch::Span span(watch, Site::attention_softmax, index);
        p = at::softmax(scores, -1);
      }
      const Watch::Span span(watch, Site::attention_value, index);
      outputs.push_back(at::matmul(p, v));
      if (watch.wants(Site::attention_softmax)) probabilities.push_back(p);
    }
  }
  // A layer may have lost all its heads; what is left of its attention is the output's bias.
  const at::Tensor heads =
      outputs.empty() ? at::empty({batch, tokens, 0}, x.options()) : at::cat(outputs, -1);
  if (watch.wants(Site::attention_softmax)) {
    watch.tensor(Site::attention_softmax, index,
                 probabilities.empty() ? at::empty({batch, 0, tokens, tokens}, x.options())
                                       : at::stack(probabilities, 1));
  }
  watch.tensor(Site::attention_value, index, heads);

  const Watch::Span span(watch, Site::attention_output, index);
  const at::Tensor y = project(
      heads, weights.linear(Slot::attention_output_weight, Slot::attention_output_bias, layer));
  watch.tensor(Site::attention_output, index, y);
  return y;
}

/// down(act(up(x))), or gated: down(act(gate(x)) * up(x)). Shazeer 2020, arXiv:2002.05202, equation
/// 6 (SwiGLU, where act is SiLU).
/// @param x  (B, T, C), normalized   @return (B, T, C)
at::Tensor feed_forward(const DecoderConfig& config, const Weights& weights, size_t layer,
                        const at::Tensor& x, const Watch& watch) {
  const auto index = static_cast<int64_t>(layer);
  const auto projected = [&](Site site, Slot weight, Slot bias) {
    const Watch::Span span(watch, site, index);
    return project(x, weights.linear(weight, bias, layer));
  };
  at::Tensor up, gate, hidden;  // (B, T, F)
  {
    const Watch::Span whole(watch, Site::ffn_up, index);
    if (config.gated_ffn) {
      gate = projected(Site::ffn_gate_product, Slot::ffn_gate_weight, Slot::ffn_gate_bias);
      up = projected(Site::ffn_up_product, Slot::ffn_up_weight, Slot::ffn_up_bias);
      watch.tensor(Site::ffn_gate_product, index, gate);
    } else {
      up = project(x, weights.linear(Slot::ffn_up_weight, Slot::ffn_up_bias, layer));
    }
    watch.tensor(Site::ffn_up, index, up);
  }
  {
    const Watch::Span whole(watch, Site::ffn_activation, index);
    if (config.gated_ffn) {
      {
        const Watch::Span span(watch, Site::ffn_activate, index);
        gate = activate(config.activation, gate);
      }
      const Watch::Span span(watch, Site::ffn_multiply, index);
      hidden = gate * up;
    } else {
      hidden = activate(config.activation, up);
    }
    watch.tensor(Site::ffn_activation, index, hidden);
  }
  const Watch::Span span(watch, Site::ffn_down, index);
  const at::Tensor y =
      project(hidden, weights.linear(Slot::ffn_down_weight, Slot::ffn_down_bias, layer));
  watch.tensor(Site::ffn_down, index, y);
  return y;
}

at::Tensor embed(const DecoderConfig& config, const Weights& weights, const at::Tensor& ids,
                 const Watch& watch) {
  const Watch::Span span(watch, Site::embedding, kNoLayer);
  at::Tensor x = at::embedding(weights.at(Slot::token_embedding), ids);  // (B, T, C)
  if (config.positions == PositionKind::learned) {
    x = x + weights.at(Slot::position_embedding).narrow(0, 0, ids.size(1));  // + (T, C)
  }
  watch.tensor(Site::embedding, kNoLayer, x);
  return x;
}

at::Tensor block(const DecoderConfig& config, const Weights& weights, size_t layer, at::Tensor x,
                 const Watch& watch) {
  const auto norm = [&](Site site, Slot weight, Slot bias) {
    const Watch::Span span(watch, site, static_cast<int64_t>(layer));
    const at::Tensor y = normalize(config, x, weights.at(weight, layer), weights.at(bias, layer));
    watch.tensor(site, static_cast<int64_t>(layer), y);
    return y;
  };
  const auto index = static_cast<int64_t>(layer);
  const Watch::Span span(watch, Site::block, index);
  if (config.layers[layer].has_attention) {
    const at::Tensor y =
        norm(Site::attention_norm, Slot::attention_norm_weight, Slot::attention_norm_bias);
    const at::Tensor added = attention(config, weights, layer, y, watch);
    const Watch::Span sum(watch, Site::attention_residual, index);
    x = x + added;
    watch.tensor(Site::attention_residual, index, x);
  }
  if (config.layers[layer].has_ffn) {
    const at::Tensor y = norm(Site::ffn_norm, Slot::ffn_norm_weight, Slot::ffn_norm_bias);
    const at::Tensor added = feed_forward(config, weights, layer, y, watch);
    const Watch::Span sum(watch, Site::ffn_residual, index);
    x = x + added;
  }
  watch.tensor(Site::block, index, x);
  return x;
}

}  // namespace

at::Tensor reference_forward(const DecoderConfig& config, const Weights& weights,
                             const at::Tensor& ids, const Watch& watch, bool last_only) {
  at::Tensor x = embed(config, weights, ids, watch);
  for (size_t layer = 0; layer < config.layers.size(); ++layer) {
    check_interrupt();
    x = block(config, weights, layer, x, watch);
  }
  if (last_only) x = x.narrow(1, x.size(1) - 1, 1);
  {
    const Watch::Span span(watch, Site::final_norm, kNoLayer);
    x = normalize(config, x, weights.at(Slot::final_norm_weight),
                  weights.at(Slot::final_norm_bias));
    watch.tensor(Site::final_norm, kNoLayer, x);
  }
  const Watch::Span span(watch, Site::head, kNoLayer);
  const Slot head = config.tied_head ? Slot::token_embedding : Slot::head_weight;  // [V, C]
  const at::Tensor logits = at::matmul(x, weights.at(head).t());
  watch.tensor(Site::head, kNoLayer, logits);
  return logits;
}

/// theta^(-2i/D), slowed down so that a model reaches further than it was first trained for: all by
/// one factor ("linear"), or, as Llama 3.1's published configuration does, slow ones by the factor,
/// fast ones not, and those between by a mixture. Rounded to fp32 where the reference
/// implementation (transformers) rounds, since models were trained with its rounding.
std::vector<float> rotary_frequencies(const Rotary& rotary, int64_t head_dim) {
  std::vector<float> frequencies;
  for (int64_t i = 0; i < head_dim / 2; ++i) {
    const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(head_dim);
    const double plain = static_cast<float>(std::pow(rotary.theta, -exponent));
    double frequency = plain;
    if (rotary.scaling == Rotary::Scaling::linear) frequency = plain / rotary.factor;
    if (rotary.scaling == Rotary::Scaling::llama3) {
      const double turns =
          static_cast<double>(rotary.original_positions) * plain / (2 * std::numbers::pi);
      if (turns < rotary.low_freq_factor) {
        frequency = plain / rotary.factor;
      } else if (turns <= rotary.high_freq_factor) {
        const double keep =
            (turns - rotary.low_freq_factor) / (rotary.high_freq_factor - rotary.low_freq_factor);
        frequency = (1 - keep) * plain / rotary.factor + keep * plain;
      }
    }
    frequencies.push_back(static_cast<float>(frequency));
  }
  return frequencies;
}

}  // namespace crescent
