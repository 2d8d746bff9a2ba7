#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <bitset>
#include <string_view>
#include <vector>

#include "engine/dtype.h"
#include "engine/model/layout.h"

namespace crescent {

at::ScalarType scalar_type(Dtype dtype);
Dtype dtype_of(const at::Tensor& tensor);  ///< @throws Error for a dtype that no checkpoint holds

/// The tensor at that width; itself if it has it. `name` is for the message.
/// @throws Error where finite numbers would become infinite (float16 ends at 65504).
at::Tensor converted(const at::Tensor& tensor, Dtype dtype, std::string_view name);

/// A matrix with all that is needed to multiply by it.
struct Linear {
  const at::Tensor& weight;
  const at::Tensor& bias;  ///< undefined: none
  bool in_out;             ///< stored [in, out] (GPT-2) instead of [out, in]
};

/// The tensors of a model by slot. Copies share storage; nobody writes into it.
class Weights {
 public:
  explicit Weights(size_t layers) : layers_(layers) {}

  void set(const TensorSpec& spec, at::Tensor tensor);
  /// Undefined where the description has no such tensor.
  const at::Tensor& at(Slot slot) const { return global_.tensors[static_cast<size_t>(slot)]; }
  const at::Tensor& at(Slot slot, size_t layer) const {
    return layers_[layer].tensors[static_cast<size_t>(slot)];
  }
  const at::Tensor& at(const TensorSpec& spec) const;
  Linear linear(Slot weight, Slot bias, size_t layer) const;
  size_t layers() const { return layers_.size(); }

 private:
  struct Slots {
    std::array<at::Tensor, kSlots> tensors;
    std::bitset<kSlots> in_out;
  };
  Slots& slots_of(const TensorSpec& spec);
  Slots global_;
  std::vector<Slots> layers_;
};

}  // namespace crescent
