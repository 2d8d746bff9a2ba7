// Ablation: what it costs to be without one unit: the loss with its output masked minus the loss.
// Exact for one unit at a time, and slow: one pass over the data for every unit.
// Michel et al. 2019, arXiv:1905.10650, section 3.2.
#include "engine/eval/perplexity.h"
#include "engine/prune/apply.h"
#include "engine/prune/criterion.h"
#include "engine/prune/measure.h"

namespace crescent {
namespace {

double mean_loss(const Model& model, const ScoringData& data) {
  const Perplexity result =
      perplexity(model, data.ids, {.window = data.used.window, .stride = data.used.window});
  return result.nll_nats / static_cast<double>(result.tokens);
}

class Ablation final : public Criterion {
 public:
  std::string_view name() const override { return "ablation"; }
  std::string_view doc() const override {
    return "The loss with this one unit masked minus the loss: exact, and one pass over the data "
           "for every unit. Michel et al. 2019, arXiv:1905.10650.";
  }
  bool needs_data() const override { return true; }
  bool can_score(UnitKind kind) const override { return kind != UnitKind::weights; }

  Scores score(const Model& given, UnitKind kind, const ScoreOptions& options) const override {
    const auto model = in_float(given);
    const double loss = mean_loss(*model, *options.data);
    const int64_t total = units_in(model->config(), kind);
    int64_t done = 0;
    Scores scores{.kind = kind, .of = {}};
    for (size_t i = 0; i < model->config().layers.size(); ++i) {
      std::vector<double> of_layer(static_cast<size_t>(units_in(model->config(), kind, i)));
      for (size_t unit = 0; unit < of_layer.size(); ++unit) {
        const Unit removed{kind, static_cast<int32_t>(i), static_cast<int32_t>(unit)};
        // A model of one layer can be masked as a whole, though not be without it.
        of_layer[unit] = mean_loss(*masked(*model, {removed}), *options.data) - loss;
        if (options.on_progress) options.on_progress(++done, total);
      }
      scores.of.push_back(std::move(of_layer));
    }
    return scores;
  }
};

}  // namespace

const Criterion& ablation_criterion() {
  static const Ablation criterion;
  return criterion;
}

}  // namespace crescent
