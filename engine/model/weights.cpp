#include "engine/model/weights.h"

#include <ATen/ops/isfinite.h>

#include <utility>

#include "engine/error.h"

namespace crescent {

at::ScalarType scalar_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::float64: return at::kDouble;
    case Dtype::float32: return at::kFloat;
    case Dtype::float16: return at::kHalf;
    case Dtype::bfloat16: return at::kBFloat16;
    case Dtype::int64: return at::kLong;
    case Dtype::int32: return at::kInt;
    case Dtype::int16: return at::kShort;
    case Dtype::int8: return at::kChar;
    case Dtype::uint8: return at::kByte;
    case Dtype::boolean: return at::kBool;
  }
  fail("dtype number {} is unknown", static_cast<int>(dtype));
}

Dtype dtype_of(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kDouble: return Dtype::float64;
    case at::kFloat: return Dtype::float32;
    case at::kHalf: return Dtype::float16;
    case at::kBFloat16: return Dtype::bfloat16;
    case at::kLong: return Dtype::int64;
    case at::kInt: return Dtype::int32;
    case at::kShort: return Dtype::int16;
    case at::kChar: return Dtype::int8;
    case at::kByte: return Dtype::uint8;
    case at::kBool: return Dtype::boolean;
    default: break;
  }
  fail("no checkpoint holds tensors of dtype {}", c10::toString(tensor.scalar_type()));
}

at::Tensor converted(const at::Tensor& tensor, Dtype dtype, std::string_view name) {
  const at::Tensor result = tensor.to(scalar_type(dtype));
  const auto is_finite = [](const at::Tensor& t) { return t.isfinite().all().item<bool>(); };
  if (dtype == Dtype::float16 && dtype_of(tensor) != dtype && !is_finite(result) &&
      is_finite(tensor)) {
    fail("tensor '{}': expected numbers within float16's 65504, found larger ones; use 'bfloat16'",
         name);
  }
  return result;
}

Weights::Slots& Weights::slots_of(const TensorSpec& spec) {
  return spec.layer < 0 ? global_ : layers_.at(static_cast<size_t>(spec.layer));
}

void Weights::set(const TensorSpec& spec, at::Tensor tensor) {
  Slots& slots = slots_of(spec);
  slots.tensors[static_cast<size_t>(spec.slot)] = std::move(tensor);
  slots.in_out[static_cast<size_t>(spec.slot)] = spec.in_out;
}

const at::Tensor& Weights::at(const TensorSpec& spec) const {
  return spec.layer < 0 ? at(spec.slot) : at(spec.slot, static_cast<size_t>(spec.layer));
}

Linear Weights::linear(Slot weight, Slot bias, size_t layer) const {
  return {at(weight, layer), at(bias, layer), layers_[layer].in_out[static_cast<size_t>(weight)]};
}

}  // namespace crescent
