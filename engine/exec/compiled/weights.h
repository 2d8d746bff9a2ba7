#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <memory>

#include "engine/exec/compiled/plan.h"
#include "engine/model/weights.h"

namespace crescent::compiled {

/// Where a plan's weights lie, and what they lie in. Plans of one model share it.
struct CompiledWeights {
  Storage storage;  ///< but for the cache
  PlanWeights weights;
  int64_t bytes_transposed = 0;     ///< fp32 copies of matrices that had to be turned
  int64_t bytes_packed = 0;         ///< narrower copies
  CalibrationGain calibrated = {};  ///< if the storage says by what
  std::map<const void*, int64_t> given_back = {};  ///< bytes of the mapped file, by tensor
  std::shared_ptr<const void> memory = {};
};

struct CompileInput {
  const DecoderConfig& config;
  const Layout& layout;
  const Weights& stored;
  const Storage& storage;
  /// A tensor in fp32, kept by whoever gives it for as long as the plan lives.
  std::function<at::Tensor(const TensorSpec&)> widened;
  /// Told of stored tensors that the plan will not read. Gives the bytes that this freed.
  std::function<int64_t(const at::Tensor&)> give_back;
};

/// Matrices stay where they lie if they are [out, in] there in the width that is asked for; those
/// that are [in, out] are transposed into huge pages, and those to be narrower are packed there,
/// one after the other: no fp32 copy of more than a part of one is made on the way. Memory must
/// have been asked for: see memory_to_compile.
/// @throws Interrupted
std::shared_ptr<const CompiledWeights> compile_weights(const CompileInput& input);

/// What `compile_weights` takes, beside what `widened` takes.
struct MemoryToCompile {
  int64_t transposed = 0, packed = 0;
  int64_t in_passing = 0;  ///< only while it works
  int64_t total() const { return transposed + packed + in_passing; }
};
MemoryToCompile memory_to_compile(const CompileInput& input);

/// Does a plan read fp32 numbers of this tensor, as stored or widened?
bool reads_wide(const CompileInput& input, const TensorSpec& spec);

}  // namespace crescent::compiled
