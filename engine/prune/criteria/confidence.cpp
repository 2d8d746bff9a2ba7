// Confidence: the mean of a head's largest attention weight. Voita et al. 2019, arXiv:1905.09418,
// section 4.
#include "engine/prune/criteria/attention_rows.h"
#include "engine/prune/criterion.h"

namespace crescent {
namespace {

class Confidence final : public Criterion {
 public:
  std::string_view name() const override { return "confidence"; }
  std::string_view doc() const override {
    return "The mean of a head's largest attention weight. Voita et al. 2019, arXiv:1905.09418.";
  }
  bool needs_data() const override { return true; }
  bool can_score(UnitKind kind) const override { return kind == UnitKind::heads; }
  Scores score(const Model& model, UnitKind kind, const ScoreOptions& options) const override {
    return mean_over_attention_rows(model, kind, options,
                                    [](const at::Tensor& p) { return p.amax(-1); });
  }
};

}  // namespace

const Criterion& confidence_criterion() {
  static const Confidence criterion;
  return criterion;
}

}  // namespace crescent
