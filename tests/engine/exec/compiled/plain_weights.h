#pragma once
#include <cmath>
#include <deque>
#include <vector>

#include "engine/exec/compiled/plan.h"
#include "engine/model/storage.h"
#include "engine/random.h"
#include "tests/engine/prune/small_config.h"

namespace crescent::test {

/// Seeded weights for a description, without a tensor. All matrices and the embedding are as wide
/// as is asked for.
struct PlainWeights {
  DecoderConfig config;
  compiled::PlanWeights weights;

  explicit PlainWeights(DecoderConfig c, Width width = Width::fp32)
      : config(std::move(c)), width_(width) {
    const int64_t C = config.d_model;
    weights.token_embedding = rows(config.vocab, C);
    if (config.positions == PositionKind::learned)
      weights.position_embedding = values(config.positions_max * C);
    weights.final_norm = norm();
    weights.head = {rows(config.vocab, C), nullptr, config.vocab, C};
    for (const LayerSpec& spec : config.layers) weights.layers.push_back(layer(spec));
  }
  PlainWeights(const PlainWeights&) = delete;
  PlainWeights& operator=(const PlainWeights&) = delete;

 private:
  const float* values(int64_t count) {
    std::vector<float>& made = storage_.emplace_back(static_cast<size_t>(count));
    Random::fill_normal(made, /*seed=*/3, /*stream=*/storage_.size(), 0.0f, 0.4f);
    return made.data();
  }
  compiled::NormWeights norm() { return {values(config.d_model), values(config.d_model)}; }
  kernels::Stored rows(int64_t out, int64_t in) {
    const float* const wide = values(out * in);
    if (width_ == Width::fp32) return kernels::stored(wide, in);
    const int64_t stride = kernels::row_bytes(width_, in);
    std::byte* const packed =
        packed_.emplace_back(static_cast<size_t>(stored_bytes({out, in}, width_))).data();
    auto* const scales =
        width_ == Width::int8 ? reinterpret_cast<float*>(packed + out * stride) : nullptr;
    kernels::quantize({.from = wide,
                       .from_stride = in,
                       .inputs = in,
                       .width = width_,
                       .to = packed,
                       .to_stride = stride,
                       .scales = scales},
                      0, out);
    return {.data = packed, .width = width_, .stride = stride, .scales = scales};
  }
  compiled::Matrix matrix(int64_t out, int64_t in) { return {rows(out, in), values(out), out, in}; }
  compiled::LayerWeights layer(const LayerSpec& spec) {
    const int64_t C = config.d_model, D = spec.head_dim, F = spec.ffn_width;
    compiled::LayerWeights made;
    made.attention_norm = norm();
    made.ffn_norm = norm();
    made.qkv = {matrix(spec.heads() * D, C), matrix(spec.kv_heads * D, C),
                matrix(spec.kv_heads * D, C)};
    made.attention_output = matrix(C, spec.heads() * D);
    made.ffn_gate = matrix(F, C);
    made.ffn_up = matrix(F, C);
    made.ffn_down = matrix(C, F);
    for (int64_t i = 0; i < D / 2; ++i) {
      made.frequencies.push_back(static_cast<float>(std::pow(10000.0, -2.0 * i / D)));
    }
    return made;
  }

  Width width_;
  std::deque<std::vector<float>> storage_;
  std::deque<std::vector<std::byte>> packed_;
};

}  // namespace crescent::test
