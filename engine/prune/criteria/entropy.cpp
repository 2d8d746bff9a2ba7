// Entropy: a head that looks everywhere alike selects nothing. Minus the mean entropy of its
// attention rows, in nats, so that focused heads survive. Attention entropy as a property of heads:
// Clark et al. 2019, arXiv:1906.04341, section 3.3.
#include <ATen/TensorOperators.h>
#include <ATen/ops/xlogy.h>

#include "engine/prune/criteria/attention_rows.h"
#include "engine/prune/criterion.h"

namespace crescent {
namespace {

class Entropy final : public Criterion {
 public:
  std::string_view name() const override { return "entropy"; }
  std::string_view doc() const override {
    return "Minus the mean entropy of a head's attention in nats: focused heads survive. Clark et "
           "al. 2019, arXiv:1906.04341.";
  }
  bool needs_data() const override { return true; }
  bool can_score(UnitKind kind) const override { return kind == UnitKind::heads; }
  Scores score(const Model& model, UnitKind kind, const ScoreOptions& options) const override {
    return mean_over_attention_rows(model, kind, options,
                                    [](const at::Tensor& p) { return at::xlogy(p, p).sum(-1); });
  }
};

}  // namespace

const Criterion& entropy_criterion() {
  static const Entropy criterion;
  return criterion;
}

}  // namespace crescent
