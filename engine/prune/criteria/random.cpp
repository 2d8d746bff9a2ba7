// Random: no opinion at all. The control that every other criterion must beat, with several seeds.
#include <ATen/ops/empty.h>

#include "engine/prune/criterion.h"
#include "engine/prune/measure.h"
#include "engine/random.h"

namespace crescent {
namespace {

class RandomCriterion final : public Criterion {
 public:
  std::string_view name() const override { return "random"; }
  std::string_view doc() const override {
    return "Uniform numbers from the seed: the control of every comparison. Use several seeds.";
  }
  bool needs_data() const override { return false; }
  bool can_score(UnitKind) const override { return true; }

  Scores score(const Model& model, UnitKind kind, const ScoreOptions& options) const override {
    Random random(options.seed, static_cast<uint64_t>(kind));
    Scores scores{.kind = kind, .of = {}};
    for (size_t i = 0; i < model.config().layers.size(); ++i) {
      std::vector<double> of_layer(static_cast<size_t>(units_in(model.config(), kind, i)));
      for (double& score : of_layer) score = random.uniform();
      scores.of.push_back(std::move(of_layer));
    }
    return scores;
  }

  std::vector<at::Tensor> score_weights(const Model& model,
                                        const ScoreOptions& options) const override {
    std::vector<at::Tensor> scores;
    for (const size_t index : layer_matrices(model.layout())) {
      at::Tensor tensor = at::empty(model.layout()[index].shape, at::kFloat);
      const auto elements = static_cast<size_t>(tensor.numel());
      Random::fill_uniform({tensor.data_ptr<float>(), elements}, options.seed, index, 0.0f, 1.0f);
      scores.push_back(std::move(tensor));
    }
    return scores;
  }
};

}  // namespace

const Criterion& random_criterion() {
  static const RandomCriterion criterion;
  return criterion;
}

}  // namespace crescent
