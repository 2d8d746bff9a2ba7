#pragma once
#include <ATen/core/Tensor.h>

#include <functional>

#include "engine/prune/measure.h"

namespace crescent {

/// The mean over all rows of all attention matrices of a number taken from each row, by head. The
/// first row sees one token only and says nothing, so it doesn't count.
/// @param of_rows  (B, H, T, S) probabilities -> (B, H, T)
Scores mean_over_attention_rows(const Model& model, UnitKind kind, const ScoreOptions& options,
                                const std::function<at::Tensor(const at::Tensor&)>& of_rows);

}  // namespace crescent
