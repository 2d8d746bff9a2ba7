#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <utility>

#include "engine/observe.h"

namespace crescent {

/// Where the inputs of all matrices inside layers can be seen.
constexpr SiteSet kLayerInputs = SiteSet{}
                                     .add(Site::attention_norm)
                                     .add(Site::attention_value)
                                     .add(Site::ffn_norm)
                                     .add(Site::ffn_activation);

/// Adds up the square of every column of what passes some sites.
class InputSquares final : public Observer {
 public:
  explicit InputSquares(SiteSet sites) : sites_(sites) {}

  SiteSet wanted_tensors() const override { return sites_; }
  void tensor(Site site, int32_t layer, const TensorView& view) override;

  using Sums = std::map<std::pair<Site, int32_t>, at::Tensor>;
  const Sums& all() const { return sums_; }  ///< (columns), double
  const at::Tensor& sums(Site site, int32_t layer) const { return sums_.at({site, layer}); }

 private:
  const SiteSet sites_;
  Sums sums_;
};

}  // namespace crescent
