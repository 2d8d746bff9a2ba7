#pragma once
#include <memory>
#include <vector>

#include "engine/model/model.h"
#include "engine/prune/unit.h"

namespace crescent {

/// A new model without these units: their rows and columns are sliced out of every matrix and bias
/// that has them. Tensors that lose nothing share storage with `model`, which is unchanged; without
/// units all of them do. Level as `model`.
/// @throws Error for a unit that isn't there, named twice, or if no layer would stay.
std::shared_ptr<const Model> without(const Model& model, const std::vector<Unit>& removed);

/// The same function with the weights still there: the outputs of these units are multiplied by
/// zero, that is, their slices of the attention's and the feed-forward's output matrices (with the
/// biases, for a whole layer) are zeros. Every shape stays.
std::shared_ptr<const Model> masked(const Model& model, const std::vector<Unit>& removed);

/// `model` with zeros where its layers lost heads and neurons: the same function in the shape that
/// its family knows, so that any reader can load it. Layers that are gone stay gone.
std::shared_ptr<const Model> padded(const Model& model);

}  // namespace crescent
