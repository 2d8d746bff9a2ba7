#include "engine/prune/make_plan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "engine/error.h"
#include "engine/prune/apply.h"

namespace crescent {
namespace {

constexpr int64_t kContext = 256;  // tokens attended to, for the FLOPs of a plan

/// Units of a model that has lost some, by their numbers in the model that has them all.
class Numbering {
 public:
  Numbering(const DecoderConfig& whole, const std::vector<Unit>& removed)
      : whole_(whole), kept_(kept_without(whole, removed)) {}

  Unit in_whole(const Unit& unit) const {
    const KeptLayer& layer = kept_[static_cast<size_t>(unit.layer)];
    Unit result{unit.kind, layer.layer, 0};
    const auto index = static_cast<size_t>(unit.index);
    if (unit.kind == UnitKind::heads) result.index = layer.heads[index];
    if (unit.kind == UnitKind::groups) result.index = layer.kv_heads[index];
    if (unit.kind == UnitKind::neurons) result.index = layer.neurons[index];
    return result;
  }

  /// Scores of what is left, put at the places of the whole model. What is gone already gets the
  /// lowest score there is, so that a larger budget begins with it.
  Scores in_whole(const Scores& left) const {
    Scores scores{.kind = left.kind, .of = {}};
    std::vector<bool> is_there(whole_.layers.size(), false);
    for (const KeptLayer& layer : kept_) is_there[static_cast<size_t>(layer.layer)] = true;
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < whole_.layers.size(); ++i) {
      // What went with a whole layer is not chosen again by itself.
      const bool goes_first = is_there[i] || left.kind == UnitKind::layers;
      scores.of.emplace_back(static_cast<size_t>(units_in(whole_, left.kind, i)),
                             goes_first ? -kInfinity : kInfinity);
    }
    for (size_t i = 0; i < left.of.size(); ++i) {
      for (size_t unit = 0; unit < left.of[i].size(); ++unit) {
        const Unit place =
            in_whole(Unit{left.kind, static_cast<int32_t>(i), static_cast<int32_t>(unit)});
        scores.of[static_cast<size_t>(place.layer)][static_cast<size_t>(place.index)] =
            left.of[i][unit];
      }
    }
    return scores;
  }

 private:
  const DecoderConfig& whole_;
  std::vector<KeptLayer> kept_;
};

Budget part_of(Budget budget, double share) {
  for (auto& [kind, ratio] : budget.ratio) ratio *= share;
  if (budget.ratio_of_all) *budget.ratio_of_all *= share;
  if (budget.count) {
    *budget.count = std::llround(static_cast<double>(*budget.count) * share);
  }
  return budget;
}

/// `params_max` and `bytes_max` say where to arrive: a step goes a share of the way.
Budget part_of_way(const Budget& budget, double share, int64_t parameters, double bytes_each) {
  Budget part = part_of(budget, share);
  const auto along = [&](double from, int64_t to) {
    return static_cast<int64_t>(from - (from - static_cast<double>(to)) * share);
  };
  const auto all = static_cast<double>(parameters);
  if (part.params_max) *part.params_max = along(all, *budget.params_max);
  if (part.bytes_max) *part.bytes_max = along(all * bytes_each, *budget.bytes_max);
  return part;
}

bool has(const std::vector<UnitKind>& kinds, UnitKind kind) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

std::vector<std::string> notes_on(const Model& model, const PlanRequest& request) {
  std::vector<std::string> notes;
  const auto shares = [](const LayerSpec& l) { return l.kv_heads < l.heads(); };
  const auto& layers = model.config().layers;
  if (std::any_of(layers.begin(), layers.end(), shares)) {
    if (has(request.kinds, UnitKind::heads)) {
      notes.push_back(
          "query heads share key/value heads: single query heads go, and a key/value head goes "
          "with its last reader, because that removes the least at a time; groups = true removes "
          "whole groups, which saves keys and values too");
    }
    if (has(request.kinds, UnitKind::groups)) {
      notes.push_back(
          "query heads share key/value heads: whole groups go, as groups = true asks, so that "
          "keys, values and their cache shrink too");
    }
  }
  if (request.kinds.size() > 1 && request.select.budget.ratio.empty() &&
      !request.select.budget.list) {
    notes.push_back("several kinds are ranked by score per parameter that goes with a unit");
  }
  if (request.weights) {
    notes.push_back(
        "single weights become zero: only the mask changes, no tensor and no file gets smaller, "
        "and no dense product gets faster");
  }
  if (request.steps > 1) {
    notes.push_back(
        fmt::format("in {} steps, what is left scored anew before each", request.steps));
  }
  return notes;
}

/// The last score that every unit got: what is gone keeps that of the step before it went.
void remember(std::vector<Scores>& kept, std::vector<Scores> latest) {
  for (size_t kind = 0; kind < kept.size() && kind < latest.size(); ++kind) {
    for (size_t i = 0; i < latest[kind].of.size(); ++i) {
      for (size_t unit = 0; unit < latest[kind].of[i].size(); ++unit) {
        double& score = latest[kind].of[i][unit];
        if (std::isinf(score)) score = kept[kind].of[i][unit];
      }
    }
  }
  kept = std::move(latest);
}

/// Scores what is left and chooses anew, from the whole model's units.
std::vector<ScoredUnit> choose(const Model& whole, const Model& left,
                               const std::vector<Unit>& removed, const PlanRequest& request,
                               const SelectOptions& options, std::vector<Scores>& kept_scores) {
  std::vector<Scores> scores;
  const Numbering numbering(whole.config(), removed);
  for (const UnitKind kind : request.kinds) {
    if (options.budget.list && !request.score) break;
    scores.push_back(numbering.in_whole(request.score(left, kind)));
  }
  std::vector<ScoredUnit> chosen = select(whole.config(), whole.layout(), scores, options);
  remember(kept_scores, std::move(scores));
  return chosen;
}

/// A step's scores of what an earlier step removed are placeholders: the earlier ones stay.
void keep_earlier(std::vector<ScoredUnit>& chosen, const std::vector<ScoredUnit>& before) {
  std::map<Unit, double> scores;
  for (const ScoredUnit& earlier : before) scores[earlier.unit] = earlier.score;
  for (ScoredUnit& unit : chosen) {
    const auto known = scores.find(unit.unit);
    if (known != scores.end()) unit.score = known->second;
  }
}

void check_same_shape(const Model& given, const Model& expected) {
  if (!same_function(given.config(), expected.config())) {
    fail("between: expected a model of the shape that it was given, got another");
  }
}

}  // namespace

void estimate(Plan& plan, const Model& model) {
  const double bytes_each = static_cast<double>(model.bytes_stored()) /
                            static_cast<double>(std::max<int64_t>(1, model.parameters()));
  plan.context = std::min<int64_t>(kContext, model.config().positions_max);
  const DecoderConfig after =
      config_of_kept(model.config(), kept_without(model.config(), plan.units()));
  plan.before = figures_of(model.config(), model.layout(), bytes_each, plan.context);
  plan.after = figures_of(after, model.family().layout(after), bytes_each, plan.context);
}

MadePlan make_plan(const std::shared_ptr<const Model>& model, const PlanRequest& request) {
  MadePlan made;
  Plan& plan = made.plan;
  plan.model_hash = model->hash();
  plan.family = model->config().family;
  plan.criterion = request.criterion;
  plan.seed = request.seed;
  plan.data = request.data;
  plan.notes = notes_on(*model, request);

  const double bytes_each = request.select.bytes_per_parameter;
  std::shared_ptr<const Model> left = model;
  std::vector<Unit> removed;  // so far, by the numbers of `model`
  for (int step = 1; !request.kinds.empty() && step <= request.steps; ++step) {
    SelectOptions options = request.select;
    const double share = static_cast<double>(step) / request.steps;
    if (step < request.steps) {
      options.budget = part_of_way(options.budget, share, model->parameters(), bytes_each);
    }
    std::vector<ScoredUnit> chosen = choose(*model, *left, removed, request, options, plan.scores);
    keep_earlier(chosen, plan.removed);
    plan.removed = std::move(chosen);

    // What goes in this step, by the numbers of what is left.
    const Numbering numbering(model->config(), removed);
    const std::vector<Unit> all = plan.units();
    const std::set<Unit> wanted(all.begin(), all.end());
    std::vector<Unit> now;
    for (size_t i = 0; i < left->config().layers.size(); ++i) {
      for (const UnitKind kind : request.kinds) {
        const int64_t units = units_in(left->config(), kind, i);
        for (int32_t unit = 0; unit < units; ++unit) {
          const Unit here{kind, static_cast<int32_t>(i), unit};
          if (wanted.contains(numbering.in_whole(here))) now.push_back(here);
        }
      }
    }
    removed = all;
    if (step == request.steps) {
      if (made.changed) made.still_to_go = std::move(now);
      break;
    }
    left = without(*left, now);
    if (!request.between) continue;
    if (auto given = request.between(left, step)) {
      check_same_shape(*given, *left);
      left = std::move(given);
      made.changed = left;
    } else if (made.changed) {
      made.changed = left;
    }
  }
  if (request.weights) {
    plan.masks = weight_masks(*model, request.score_weights(*model), *request.weights);
  }
  estimate(plan, *model);
  return made;
}

std::shared_ptr<const Model> apply_plan(const Model& model, const Plan& plan) {
  check_belongs(plan, model.hash());
  return without(*with_masks(model, plan.masks), plan.units());
}

std::shared_ptr<const Model> mask_plan(const Model& model, const Plan& plan) {
  check_belongs(plan, model.hash());
  return masked(*with_masks(model, plan.masks), plan.units());
}

}  // namespace crescent
