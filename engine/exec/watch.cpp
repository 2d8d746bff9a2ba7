#include "engine/exec/watch.h"

namespace crescent {

void Watch::show(Site site, int64_t layer, const at::Tensor& values, at::IntArrayRef shape) const {
  const at::Tensor plain = values.detach().to(at::kFloat).contiguous();
  observer_->tensor(site, static_cast<int32_t>(layer),
                    {plain.data_ptr<float>(), {shape.data(), shape.size()}});
}

}  // namespace crescent
