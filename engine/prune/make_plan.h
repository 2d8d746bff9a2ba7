#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/model/model.h"
#include "engine/prune/plan.h"
#include "engine/prune/selection.h"
#include "engine/prune/weight_masks.h"

namespace crescent {

/// Everything that a plan is made from. Scores come through functions, so that criteria written in
/// Lua are no different from ours.
struct PlanRequest {
  std::vector<UnitKind> kinds;  ///< without `weights`
  SelectOptions select;
  std::function<Scores(const Model&, UnitKind)> score;  ///< not called for a plain list

  std::optional<WeightMaskOptions> weights;
  std::function<std::vector<at::Tensor>(const Model&)> score_weights;

  std::string criterion;
  uint64_t seed = 1;
  std::optional<DataUsed> data;

  /// The budget is spent in so many equal parts; what is left is scored anew before each.
  int steps = 1;
  /// Called after every step but the last with the model so far; may give one of the same shape
  /// (recovered, say) to go on from, or nothing.
  std::function<std::shared_ptr<const Model>(const std::shared_ptr<const Model>&, int step)>
      between;
};

struct MadePlan {
  Plan plan;
  /// Only if `between` changed weights: the model to slice, and what is still to go from it. The
  /// plan by itself then no longer gives the pruned model.
  std::shared_ptr<const Model> changed;
  std::vector<Unit> still_to_go;
};

/// @throws Error of `select`, of a criterion, or if `between` gives a model of another shape.
MadePlan make_plan(const std::shared_ptr<const Model>& model, const PlanRequest& request);

/// Expectations of a plan whose units and masks are set: `before`, `after`, `context`.
void estimate(Plan& plan, const Model& model);

std::shared_ptr<const Model> apply_plan(const Model& model, const Plan& plan);
std::shared_ptr<const Model> mask_plan(const Model& model, const Plan& plan);

}  // namespace crescent
