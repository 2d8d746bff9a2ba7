#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <vector>

#include "engine/dtype.h"
#include "engine/model/layout.h"

namespace crescent {

at::ScalarType scalar_type(Dtype dtype);
Dtype dtype_of(const at::Tensor& tensor);

/// The tensors of a model by slot. Copies share storage; nobody writes into it.
class Weights {
 public:
  explicit Weights(size_t layers) : layers_(layers) {}

  void set(const TensorSpec& spec, at::Tensor tensor);
  /// Undefined where the description has no such tensor.
  const at::Tensor& at(Slot slot) const { return global_[static_cast<size_t>(slot)]; }
  const at::Tensor& at(Slot slot, size_t layer) const { return layers_[layer][static_cast<size_t>(slot)]; }
  const at::Tensor& at(const TensorSpec& spec) const;
  size_t layers() const { return layers_.size(); }

 private:
  using Slots = std::array<at::Tensor, kSlots>;
  Slots global_;
  std::vector<Slots> layers_;
};

}  // namespace crescent
