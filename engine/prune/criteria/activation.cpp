// Activation-aware: a weight matters as much as what it is multiplied by. |w_ij| times the L2 norm
// of input j over all tokens: Sun et al. 2023 (Wanda), arXiv:2306.11695, equation 1. For a unit we
// sum it over the unit's slice of its output matrix, through which all it does passes.
#include <ATen/TensorOperators.h>

#include "engine/eval/input_squares.h"
#include "engine/model/calibration.h"
#include "engine/prune/criterion.h"
#include "engine/prune/measure.h"

namespace crescent {
namespace {

/// |w_ij| * ||x_j||, shaped as stored.
at::Tensor products(const Model& model, size_t index, const InputSquares& squares) {
  const TensorSpec& spec = model.layout()[index];
  const at::Tensor w = model.stored().at(spec).to(at::kFloat).abs();
  const at::Tensor x = squares.sums(input_site(spec.slot), spec.layer).sqrt().to(at::kFloat);
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
    InputSquares squares(kLayerInputs);
    observe_data(model, *options.data, squares, options);
    const auto values = [&](size_t index) {
      const Slot slot = model.layout()[index].slot;
      const bool is_output = slot == Slot::attention_output_weight || slot == Slot::ffn_down_weight;
      return is_output ? products(model, index, squares) : at::Tensor();
    };
    return scores_from(model.config(), sums_over_units(model, values), kind);
  }

  std::vector<at::Tensor> score_weights(const Model& model,
                                        const ScoreOptions& options) const override {
    InputSquares squares(kLayerInputs);
    observe_data(model, *options.data, squares, options);
    std::vector<at::Tensor> scores;
    for (const size_t index : layer_matrices(model.layout())) {
      scores.push_back(products(model, index, squares));
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
