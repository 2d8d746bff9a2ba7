// Gradient: how steeply the loss depends on a unit's parameters. The square of every derivative,
// averaged over sequences, is the diagonal of the empirical Fisher information; a unit's score is
// the root of its sum. What the parameters are worth themselves doesn't enter: see taylor.cpp.
#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "engine/exec/forward.h"
#include "engine/prune/criterion.h"
#include "engine/prune/measure.h"

namespace crescent {
namespace {

class Gradient final : public Criterion {
 public:
  std::string_view name() const override { return "gradient"; }
  std::string_view doc() const override {
    return "The root of the summed squares of dL/dw over all that a unit holds, averaged over "
           "sequences: the diagonal of the empirical Fisher information.";
  }
  bool needs_data() const override { return true; }
  bool can_score(UnitKind) const override { return true; }

  Scores score(const Model& given, UnitKind kind, const ScoreOptions& options) const override {
    const auto model = in_float(given);
    const std::vector<at::Tensor> squares = mean_squares(*model, options);
    const auto values = [&](size_t index) { return squares[index]; };
    Scores scores = scores_from(model->config(), sums_over_units(*model, values), kind);
    for (auto& layer : scores.of) {
      for (double& score : layer) score = std::sqrt(score);
    }
    return scores;
  }

  std::vector<at::Tensor> score_weights(const Model& given,
                                        const ScoreOptions& options) const override {
    const auto model = in_float(given);
    const std::vector<at::Tensor> squares = mean_squares(*model, options);
    std::vector<at::Tensor> scores;
    for (const size_t index : layer_matrices(model->layout())) scores.push_back(squares[index]);
    return scores;
  }

 private:
  static std::vector<at::Tensor> mean_squares(const Model& model, const ScoreOptions& options) {
    std::vector<at::Tensor> sums;
    const int64_t sequences =
        for_each_window(model, *options.data, options, [&](const at::Tensor& ids) {
          const LossAndGradients pass = loss_and_gradients(model, ids);
          const c10::NoGradGuard no_grad;
          for (size_t i = 0; i < pass.gradients.size(); ++i) {
            if (sums.size() == i) sums.push_back(at::zeros_like(pass.gradients[i]));
            sums[i].add_(pass.gradients[i] * pass.gradients[i]);
          }
        });
    for (at::Tensor& sum : sums) sum.div_(sequences);
    return sums;
  }
};

}  // namespace

const Criterion& gradient_criterion() {
  static const Gradient criterion;
  return criterion;
}

}  // namespace crescent
