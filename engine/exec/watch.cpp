#include "engine/exec/watch.h"

namespace crescent {

void Watch::show(Site site, int64_t layer, const at::Tensor& values, at::IntArrayRef shape) const {
  // Each of these calls of LibTorch takes as long as a pass over a thousand values, and nearly all
  // tensors need none of them.
  at::Tensor plain = values;
  if (values.scalar_type() != at::kFloat || !values.is_contiguous())
    plain = values.detach().to(at::kFloat).contiguous();
  observer_->tensor(site, static_cast<int32_t>(layer),
                    {plain.data_ptr<float>(), {shape.data(), shape.size()}});
}

}  // namespace crescent
