#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "engine/model/model.h"
#include "engine/prune/plan.h"

namespace crescent {

// Unstructured pruning: single weights become zero. Every shape stays, so nothing gets smaller and
// no dense kernel gets faster; only a sparse one could tell.

struct WeightMaskOptions {
  /// Among which weights the lowest go: of all matrices, of one, or of one output row.
  enum class Pool { model, matrix, row };
  double ratio = 0;
  Pool pool = Pool::model;
  /// Of every four neighbours along a matrix's input the two lowest go, whatever `ratio` says:
  /// what sparse tensor cores can use. Mishra et al. 2021, arXiv:2104.08378.
  bool two_of_four = false;
  std::vector<int32_t> protected_layers;  ///< from 0
};

/// @param scores  of `Criterion::score_weights`: one for each of `layer_matrices`
/// @throws Error: an input width that four doesn't divide.
std::vector<WeightMask> weight_masks(const Model& model, const std::vector<at::Tensor>& scores,
                                     const WeightMaskOptions& options);

/// A new model with zeros where the masks say so; other tensors are shared.
/// @throws Error if a mask's tensor isn't there or has another size.
std::shared_ptr<const Model> with_masks(const Model& model, const std::vector<WeightMask>& masks);

}  // namespace crescent
