#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>

#include "engine/exec/compiled/plan.h"
#include "engine/model/weights.h"

namespace crescent::compiled {

/// A plan together with what its weights lie in.
struct CompiledModel {
  Plan plan;
  int64_t bytes_copied;  ///< of the matrices that had to be transposed
  std::shared_ptr<const void> storage;
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
std::shared_ptr<const CompiledModel> compile(const CompileInput& input);

/// What `compile` takes for transposed matrices.
int64_t bytes_to_copy(const Layout& layout);

}  // namespace crescent::compiled
