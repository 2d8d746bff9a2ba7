#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <vector>

#include "engine/observe.h"
#include "engine/prune/criterion.h"

namespace crescent {

// What several criteria do alike: add up numbers over the slices of each unit, and run a text.

/// Sums of something over the parameters of one layer, split by what they belong to.
struct LayerSums {
  std::vector<double> query_head;  ///< query and output slices
  std::vector<double> kv_head;     ///< key and value slices
  std::vector<double> neuron;
  double all = 0;
};

/// @param values  for each tensor of a layer, a number for each of its elements (shaped as stored),
///                or an undefined tensor where it does not count; by the layout's index
std::vector<LayerSums> sums_over_units(const Model& model,
                                       const std::function<at::Tensor(size_t index)>& values);

/// One number a unit: a head's is its own sum plus that of the key/value head it reads, a group's
/// that of all its heads plus the key/value head once.
Scores scores_from(const DecoderConfig& config, const std::vector<LayerSums>& sums, UnitKind kind);

/// Layout indexes of all matrices inside layers, in its order: what unstructured pruning masks.
std::vector<size_t> layer_matrices(const Layout& layout);

/// The same model in fp32 at level 1, so that variants of it are not widened one by one.
std::shared_ptr<const Model> in_float(const Model& model);

/// Runs the data through the model at level 1, several windows at once, with an observer.
void observe_data(const Model& model, const ScoringData& data, Observer& observer,
                  const ScoreOptions& options);

/// Calls use(ids) with (1, T) for every window that has at least two tokens. @return how many.
int64_t for_each_window(const Model& model, const ScoringData& data, const ScoreOptions& options,
                        const std::function<void(const at::Tensor& ids)>& use);

/// What an observer saw, as a tensor on the same memory: valid during the call only.
at::Tensor as_tensor(const TensorView& view);

}  // namespace crescent
