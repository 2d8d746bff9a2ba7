#pragma once
#include <ATen/core/Tensor.h>

#include <functional>

#include "engine/model/config.h"
#include "engine/observe.h"

namespace crescent {

/// One pass over the logits; only if one of them is not finite, `rerun` repeats the pass with an
/// observer that looks at every block.
/// @throws Error naming the first place where a number was not finite.
void require_finite(const at::Tensor& logits, const DecoderConfig& config,
                    const std::function<void(Observer*)>& rerun);

}  // namespace crescent
