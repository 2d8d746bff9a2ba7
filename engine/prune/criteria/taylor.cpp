// First-order Taylor: how much the loss would change, to first order, if a unit's output were
// multiplied by zero. A head's (or neuron's) output enters the residual stream through its slice W
// of an output matrix alone, so the derivative of the loss by a factor on that output is the sum of
// w * dL/dw over the slice; its absolute value is averaged over sequences.
//
// Michel et al. 2019, arXiv:1905.10650, section 4.1 (heads); Molchanov et al. 2017,
// arXiv:1611.06440, section 2.2 (units of any kind). Single weights: |w * dL/dw|.
#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "engine/exec/forward.h"
#include "engine/prune/criterion.h"
#include "engine/prune/measure.h"

namespace crescent {
namespace {

bool carries_output(Slot slot) {
  return slot == Slot::attention_output_weight || slot == Slot::attention_output_bias ||
         slot == Slot::ffn_down_weight || slot == Slot::ffn_down_bias;
}

class Taylor final : public Criterion {
 public:
  std::string_view name() const override { return "taylor"; }
  std::string_view doc() const override {
    return "The first-order change of the loss if the unit's output were zero, averaged over "
           "sequences: |sum of w dL/dw| over its output slice. Michel et al. 2019, "
           "arXiv:1905.10650; Molchanov et al. 2017, arXiv:1611.06440.";
  }
  bool needs_data() const override { return true; }
  bool can_score(UnitKind) const override { return true; }

  Scores score(const Model& given, UnitKind kind, const ScoreOptions& options) const override {
    const auto model = in_float(given);
    Scores total;
    const int64_t sequences =
        for_each_window(*model, *options.data, options, [&](const at::Tensor& ids) {
          const LossAndGradients pass = loss_and_gradients(*model, ids);
          const auto products = [&](size_t index) {
            const TensorSpec& spec = model->layout()[index];
            if (!carries_output(spec.slot)) return at::Tensor();
            return model->wide().at(spec) * pass.gradients[index];
          };
          const Scores derivatives =
              scores_from(model->config(), sums_over_units(*model, products), kind);
          if (total.of.empty()) {
            total = derivatives;
            for (auto& layer : total.of) {
              for (double& score : layer) score = 0;
            }
          }
          for (size_t i = 0; i < total.of.size(); ++i) {
            for (size_t unit = 0; unit < total.of[i].size(); ++unit) {
              total.of[i][unit] += std::abs(derivatives.of[i][unit]);
            }
          }
        });
    for (auto& layer : total.of) {
      for (double& score : layer) score /= static_cast<double>(sequences);
    }
    return total;
  }

  std::vector<at::Tensor> score_weights(const Model& given,
                                        const ScoreOptions& options) const override {
    const auto model = in_float(given);
    const std::vector<size_t> matrices = layer_matrices(model->layout());
    std::vector<at::Tensor> total;
    for_each_window(*model, *options.data, options, [&](const at::Tensor& ids) {
      const LossAndGradients pass = loss_and_gradients(*model, ids);
      const c10::NoGradGuard no_grad;
      for (size_t i = 0; i < matrices.size(); ++i) {
        const at::Tensor& weight = model->wide().at(model->layout()[matrices[i]]);
        if (total.size() == i) total.push_back(at::zeros_like(weight));
        total[i].add_((weight * pass.gradients[matrices[i]]).abs());
      }
    });
    return total;
  }
};

}  // namespace

const Criterion& taylor_criterion() {
  static const Taylor criterion;
  return criterion;
}

}  // namespace crescent
