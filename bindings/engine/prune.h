#pragma once
#include <memory>
#include <string>
#include <vector>

#include "bindings/engine/handles.h"
#include "engine/prune/criterion.h"
#include "engine/prune/make_plan.h"

namespace crescent {

/// A plan with the model that it was made for.
struct OpenPlan {
  ModelHandle model;
  MadePlan made;
  const Plan& plan() const { return made.plan; }
};
using PlanHandle = std::shared_ptr<const OpenPlan>;
template <>
struct HandleName<PlanHandle> {
  static constexpr const char* value = "Plan";
};
void push_plan(lua_State* L, PlanHandle plan);

/// Everything but the scores, from the options of crescent.prune.plan.
PlanRequest read_plan_request(const Args& args, const Model& model);

/// Does a script's own criterion of that name exist?
bool is_lua_criterion(lua_State* L, std::string_view name);
/// Scores with it. @throws Error for a result that is no number, naming unit and layer.
Scores score_in_lua(lua_State* L, std::string_view name, const Model& model, UnitKind kind,
                    const ScoreOptions& options);
bool lua_criterion_needs_data(lua_State* L, std::string_view name);

int prune_criterion(Args& args);  ///< crescent.prune.criterion
int prune_criteria(Args& args);   ///< crescent.prune.criteria
int prune_plan(Args& args);       ///< crescent.prune.plan

}  // namespace crescent
