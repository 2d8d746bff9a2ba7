#pragma once
#include <cmath>
#include <deque>
#include <vector>

#include "engine/exec/compiled/plan.h"
#include "engine/random.h"
#include "tests/engine/prune/small_config.h"

namespace crescent::test {

/// Seeded weights for a description, without a tensor.
struct PlainWeights {
  DecoderConfig config;
  compiled::PlanWeights weights;

  explicit PlainWeights(DecoderConfig c) : config(std::move(c)) {
    const int64_t C = config.d_model;
    weights.token_embedding = kernels::stored(values(config.vocab * C), C);
    if (config.positions == PositionKind::learned)
      weights.position_embedding = values(config.positions_max * C);
    weights.final_norm = norm();
    weights.head = {kernels::stored(values(config.vocab * C), C), nullptr, config.vocab, C};
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
  compiled::Matrix matrix(int64_t out, int64_t in) {
    return {kernels::stored(values(out * in), in), values(out), out, in};
  }
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

  std::deque<std::vector<float>> storage_;
};

}  // namespace crescent::test
