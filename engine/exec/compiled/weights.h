#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>

#include "engine/exec/compiled/plan.h"
#include "engine/model/weights.h"

namespace crescent::compiled {

/// Where a plan's weights lie, and what they lie in. Plans of one model share it.
struct CompiledWeights {
  PlanWeights weights;
  int64_t bytes_transposed;  ///< copies of matrices that had to be turned
  std::shared_ptr<const void> memory;
};

struct CompileInput {
  const DecoderConfig& config;
  const Layout& layout;
  const Weights& stored;
  /// A tensor in fp32, kept by whoever gives it for as long as the plan lives.
  std::function<at::Tensor(const TensorSpec&)> widened;
  /// Told of stored tensors that the plan will not read.
  std::function<void(const at::Tensor&)> give_back;
};

/// Matrices stay where they lie if they are [out, in] in fp32 there; those that are [in, out] are
/// transposed into huge pages, once. Memory for that must have been asked for: see bytes_to_copy.
/// @throws Interrupted
std::shared_ptr<const CompiledWeights> compile_weights(const CompileInput& input);

/// What `compile_weights` takes for transposed matrices.
int64_t bytes_to_copy(const Layout& layout);

}  // namespace crescent::compiled
