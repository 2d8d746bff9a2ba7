// Magnitude: small weights do little. For single weights as in Han et al. 2015, arXiv:1506.02626;
// for a unit, the L2 norm over all its slices, biases included.
#include <ATen/TensorOperators.h>
#include <cmath>

#include "engine/prune/criterion.h"
#include "engine/prune/measure.h"

namespace crescent {
namespace {

class Magnitude final : public Criterion {
 public:
  std::string_view name() const override { return "magnitude"; }
  std::string_view doc() const override {
    return "The L2 norm of all that a unit holds: a head's query, key, value and output slices, a "
           "neuron's row and column. Single weights by |w|: Han et al. 2015, arXiv:1506.02626.";
  }
  bool needs_data() const override { return false; }
  bool can_score(UnitKind) const override { return true; }

  Scores score(const Model& model, UnitKind kind, const ScoreOptions&) const override {
    const auto squares = [&](size_t index) {
      const at::Tensor w = model.stored().at(model.layout()[index]).to(at::kFloat);
      return w * w;
    };
    Scores scores = scores_from(model.config(), sums_over_units(model, squares), kind);
    for (auto& layer : scores.of) {
      for (double& score : layer) score = std::sqrt(score);
    }
    return scores;
  }

  std::vector<at::Tensor> score_weights(const Model& model, const ScoreOptions&) const override {
    std::vector<at::Tensor> scores;
    for (const size_t index : layer_matrices(model.layout())) {
      scores.push_back(model.stored().at(model.layout()[index]).to(at::kFloat).abs());
    }
    return scores;
  }
};

}  // namespace

const Criterion& magnitude_criterion() {
  static const Magnitude criterion;
  return criterion;
}

}  // namespace crescent
