#include "engine/eval/input_squares.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

namespace crescent {

void InputSquares::tensor(Site site, int32_t layer, const TensorView& view) {
  const c10::NoGradGuard no_grad;
  const int64_t columns = view.shape.back();
  if (columns == 0) {  // a layer that lost all its heads or neurons
    sums_[{site, layer}] = at::zeros({0}, at::kDouble);
    return;
  }
  const at::IntArrayRef shape(view.shape.data(), view.shape.size());
  const at::Tensor x =
      at::from_blob(const_cast<float*>(view.data), shape, at::kFloat).reshape({-1, columns});
  const at::Tensor squares = (x * x).sum(0, /*keepdim=*/false, at::kDouble);
  at::Tensor& sum = sums_[{site, layer}];
  sum = sum.defined() ? sum + squares : squares;
}

}  // namespace crescent
