#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "engine/exec/watch.h"
#include "engine/model/config.h"
#include "engine/model/weights.h"

namespace crescent {

/// Level 0: the truth for all else. Plain fp32, one head at a time, nothing kept between calls.
/// @param ids  (B, T) int64, already checked.   @param weights  fp32.
/// @return     (B, T, V), or (B, 1, V) with `last_only`.
at::Tensor reference_forward(const DecoderConfig& config, const Weights& weights,
                             const at::Tensor& ids, const Watch& watch, bool last_only);

/// The angle by which each pair of a head's numbers turns from one position to the next, in
/// radians: head_dim / 2 of them, fp32.
std::vector<float> rotary_frequencies(const Rotary& rotary, int64_t head_dim);

}  // namespace crescent
