#pragma once
#include <ATen/core/Tensor.h>

#include "engine/observe.h"

namespace crescent {

/// How a level speaks to an observer: asks once a site, pays nothing for what nobody wants.
class Watch {
 public:
  explicit Watch(Observer* observer) : observer_(observer) {
    if (observer == nullptr) return;
    tensors_ = observer->wanted_tensors();
    spans_ = observer->wanted_spans();
  }

  bool wants(Site site) const { return tensors_.has(site); }

  /// @param shape  how the observer sees the tensor: levels keep (B, T) as one dimension.
  void tensor(Site site, int64_t layer, const at::Tensor& values, at::IntArrayRef shape) const {
    if (wants(site)) show(site, layer, values, shape);
  }
  void tensor(Site site, int64_t layer, const at::Tensor& values) const {
    if (wants(site)) show(site, layer, values, values.sizes());
  }

  /// Marks a stretch of work for as long as it lives.
  class Span {
   public:
    Span(const Watch& watch, Site site, int64_t layer)
        : observer_(watch.spans_.has(site) ? watch.observer_ : nullptr),
          site_(site),
          layer_(static_cast<int32_t>(layer)) {
      if (observer_) observer_->begin(site_, layer_);
    }
    ~Span() {
      if (observer_) observer_->end(site_, layer_);
    }
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;

   private:
    Observer* observer_;
    Site site_;
    int32_t layer_;
  };

 private:
  void show(Site site, int64_t layer, const at::Tensor& values, at::IntArrayRef shape) const;
  Observer* observer_ = nullptr;
  SiteSet tensors_, spans_;
};

/// For sites that belong to no layer.
constexpr int64_t kNoLayer = -1;

}  // namespace crescent
