#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "engine/families/family.h"
#include "engine/model/load.h"
#include "engine/prune/apply.h"
#include "engine/prune/criterion.h"
#include "tests/engine/exec/fixture.h"
#include "tests/engine/prune/small_config.h"

namespace crescent::test {

inline Unit head(int32_t layer, int32_t index) { return {UnitKind::heads, layer, index}; }
inline Unit group(int32_t layer, int32_t index) { return {UnitKind::groups, layer, index}; }
inline Unit neuron(int32_t layer, int32_t index) { return {UnitKind::neurons, layer, index}; }
inline Unit layer(int32_t index) { return {UnitKind::layers, index, 0}; }
using Units = std::vector<Unit>;

inline Units all_heads(const Model& model, int32_t layer) {
  Units units;
  const int32_t heads = model.config().layers[static_cast<size_t>(layer)].heads();
  for (int32_t i = 0; i < heads; ++i) units.push_back(head(layer, i));
  return units;
}
inline Units all_neurons(const Model& model, int32_t layer) {
  Units units;
  const auto width =
      static_cast<int32_t>(model.config().layers[static_cast<size_t>(layer)].ffn_width);
  for (int32_t i = 0; i < width; ++i) units.push_back(neuron(layer, i));
  return units;
}
inline Units both(Units a, const Units& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// The largest difference, in units of the spread of `expected`.
inline double relative_difference(const at::Tensor& a, const at::Tensor& expected) {
  return max_abs_difference(a, expected) / expected.to(at::kDouble).std().item<double>();
}

/// The same model with other numbers in some tensors; `change` returns an undefined tensor to keep.
inline std::shared_ptr<const Model> with_weights(
    const Model& model,
    const std::function<at::Tensor(const TensorSpec&, const at::Tensor& stored)>& change) {
  Weights weights(model.config().layers.size());
  for (const TensorSpec& spec : model.layout()) {
    const at::Tensor& stored = model.stored().at(spec);
    const at::Tensor changed = change(spec, stored);
    weights.set(spec, changed.defined() ? changed : stored);
  }
  return Model::make(model.family(), model.config(), model.layout(), std::move(weights), {})
      ->at_level(model.level());
}

/// small_llama or small_gpt2 with seeded weights that are large enough for every term to show.
inline std::shared_ptr<const Model> random_model(const DecoderConfig& config, uint64_t seed = 1,
                                                 Dtype dtype = Dtype::float32) {
  const auto model = make_random(family_of(config.family, "test"), config, seed, dtype);
  return with_weights(*model, [&](const TensorSpec& spec, const at::Tensor& stored) {
    const bool is_norm = spec.part == Part::norm;
    if (is_norm) return at::Tensor();
    if (spec.shape.size() == 2) return stored * 20;
    // Biases are zero at first; these differ from element to element.
    return at::arange(stored.numel(), at::kFloat).add(1).sin().mul(0.3).to(stored.scalar_type());
  });
}

/// Ids for criteria, in windows of `window`.
inline ScoringData some_data(const Model& model, int64_t tokens, int64_t window) {
  ScoringData data;
  const at::Tensor ids = some_ids(1, tokens, model.config().vocab, 5);
  for (int64_t i = 0; i < tokens; ++i) {
    data.ids.push_back(static_cast<int32_t>(ids.data_ptr<int64_t>()[i]));
  }
  data.used = {.source = "ids", .hash = "", .tokens = tokens, .window = window};
  return data;
}

}  // namespace crescent::test
