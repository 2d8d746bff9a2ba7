#pragma once
#include <ATen/core/Tensor.h>

#include <memory>

#include "engine/exec/forward.h"
#include "engine/exec/session.h"

namespace crescent {

/// Levels 2 and 3: the model's plan, walked through by one team of threads. A decode step calls
/// nothing of LibTorch's and takes no memory; its logits are overwritten by the next step unless
/// the caller still holds them then.
std::unique_ptr<Session> open_compiled_session(std::shared_ptr<const Model> model, int64_t batch,
                                               int64_t capacity);

/// @param ids  (B, T), checked.   @return (B, T, V) or (B, 1, V), all of them finite.
at::Tensor compiled_forward(const Model& model, const at::Tensor& ids,
                            const ForwardOptions& options);

}  // namespace crescent
