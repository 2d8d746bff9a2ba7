#pragma once
#include <ATen/core/Tensor.h>

#include <span>

#include "engine/model/model.h"

namespace crescent {

/// @throws Error unless `ids` is (B, T) int64, not empty, every one in 0 .. vocab-1.
void check_ids(const Model& model, const at::Tensor& ids);
/// The same for one sequence.
void check_ids(const Model& model, std::span<const int32_t> ids);

}  // namespace crescent
