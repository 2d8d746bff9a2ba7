// Activation-aware: a weight matters as much as what it is multiplied by. |w_ij| times the L2 norm
// of input j over all tokens: Sun et al. 2023 (Wanda), arXiv:2306.11695, equation 1. For a unit we
// sum it over the unit's slice of its output matrix, through which all it does passes.
#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <map>

#include "engine/error.h"
#include "engine/prune/criterion.h"
#include "engine/prune/measure.h"

namespace crescent {
namespace {

/// What a matrix is multiplied by.
Site input_of(Slot slot) {
  switch (slot) {
    case Slot::qkv_weight:
    case Slot::q_weight:
    case Slot::k_weight:
    case Slot::v_weight: return Site::attention_norm;
    case Slot::attention_output_weight: return Site::attention_value;
    case Slot::ffn_gate_weight:
    case Slot::ffn_up_weight: return Site::ffn_norm;
    case Slot::ffn_down_weight: return Site::ffn_activation;
    default: fail("slot {} is no matrix of a layer", static_cast<int>(slot));
  }
}

/// The L2 norm of every column of what passed a site.
class ColumnNorms final : public Observer {
 public:
  SiteSet wanted_tensors() const override {
    return SiteSet{}
        .add(Site::attention_norm)
        .add(Site::attention_value)
        .add(Site::ffn_norm)
        .add(Site::ffn_activation);
  }
  void tensor(Site site, int32_t layer, const TensorView& view) override {
    const c10::NoGradGuard no_grad;
    const int64_t columns = view.shape.back();
    if (columns == 0) {  // a layer that lost all its heads or neurons
      squares_[{site, layer}] = at::zeros({0}, at::kDouble);
      return;
    }
    const at::Tensor x = as_tensor(view).reshape({-1, columns});
    const at::Tensor squares = (x * x).sum(0, false, at::kDouble);
    at::Tensor& sum = squares_[{site, layer}];
    sum = sum.defined() ? sum + squares : squares;
  }
  /// (columns), fp32
  at::Tensor norms(Site site, int32_t layer) const {
    return squares_.at({site, layer}).sqrt().to(at::kFloat);
  }

 private:
  std::map<std::pair<Site, int32_t>, at::Tensor> squares_;
};

/// |w_ij| * ||x_j||, shaped as stored.
at::Tensor products(const Model& model, size_t index, const ColumnNorms& norms) {
  const TensorSpec& spec = model.layout()[index];
  const at::Tensor w = model.stored().at(spec).to(at::kFloat).abs();
  const at::Tensor x = norms.norms(input_of(spec.slot), spec.layer);
  return spec.in_out ? w * x.unsqueeze(1) : w * x;
}

class ActivationAware final : public Criterion {
 public:
  std::string_view name() const override { return "activation"; }
  std::string_view doc() const override {
    return "Wanda: |w| times the norm of what it is multiplied by, summed over a unit's output "
           "slice. Sun et al. 2023, arXiv:2306.11695.";
  }
  bool needs_data() const override { return true; }
  bool can_score(UnitKind) const override { return true; }

  Scores score(const Model& model, UnitKind kind, const ScoreOptions& options) const override {
    ColumnNorms norms;
    observe_data(model, *options.data, norms, options);
    const auto values = [&](size_t index) {
      const Slot slot = model.layout()[index].slot;
      const bool is_output = slot == Slot::attention_output_weight || slot == Slot::ffn_down_weight;
      return is_output ? products(model, index, norms) : at::Tensor();
    };
    return scores_from(model.config(), sums_over_units(model, values), kind);
  }

  std::vector<at::Tensor> score_weights(const Model& model,
                                        const ScoreOptions& options) const override {
    ColumnNorms norms;
    observe_data(model, *options.data, norms, options);
    std::vector<at::Tensor> scores;
    for (const size_t index : layer_matrices(model.layout())) {
      scores.push_back(products(model, index, norms));
    }
    return scores;
  }
};

}  // namespace

const Criterion& activation_criterion() {
  static const ActivationAware criterion;
  return criterion;
}

}  // namespace crescent
