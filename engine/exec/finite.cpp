#include "engine/exec/finite.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <string>

#include "engine/error.h"
#include "engine/exec/all_finite.h"

namespace crescent {
namespace {

class FirstNotFinite : public Observer {
 public:
  explicit FirstNotFinite(size_t layers) : layers_(layers) {}

  SiteSet wanted_tensors() const override {
    return SiteSet{}.add(Site::embedding).add(Site::block).add(Site::final_norm).add(Site::head);
  }
  void tensor(Site site, int32_t layer, const TensorView& view) override {
    int64_t count = 1;
    for (const int64_t size : view.shape) count *= size;
    if (place_.empty() && !all_finite(view.data, count)) place_ = place_of(site, layer);
  }
  const std::string& place() const { return place_; }

 private:
  std::string place_of(Site site, int32_t layer) const {
    switch (site) {
      case Site::embedding: return "the embedding";
      case Site::block: return fmt::format("layer {} of {}", layer + 1, layers_);
      case Site::final_norm: return "the last norm";
      default: return "the head";
    }
  }
  size_t layers_;
  std::string place_;
};

}  // namespace

void require_finite(const at::Tensor& logits, const DecoderConfig& config,
                    const std::function<void(Observer*)>& rerun) {
  const float* values = logits.data_ptr<float>();
  std::atomic<bool> finite{true};
  constexpr int64_t kGrain = 1 << 16;
  at::parallel_for(0, logits.numel(), kGrain, [&](int64_t begin, int64_t end) {
    if (!all_finite(values + begin, end - begin)) finite = false;
  });
  if (finite) return;
  FirstNotFinite first(config.layers.size());
  rerun(&first);
  if (first.place().empty()) {
    fail(
        "logits are not finite, but a second pass over the same ids gave finite ones: "
        "memory was overwritten, or the machine is faulty");
  }
  fail(
      "logits are not finite: the first NaN or infinite number came out of {}; "
      "crescent.inspect.health(model) tells whether the weights hold any",
      first.place());
}

}  // namespace crescent
