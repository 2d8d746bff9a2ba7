#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engine/model/model.h"
#include "engine/prune/plan.h"
#include "engine/prune/selection.h"

namespace crescent {

/// The text that a criterion may look at, cut into windows that don't overlap.
struct ScoringData {
  std::vector<int32_t> ids;
  DataUsed used;
};

struct ScoreOptions {
  uint64_t seed = 1;
  const ScoringData* data = nullptr;
  std::function<void(int64_t done, int64_t total)> on_progress;  ///< in the criterion's own steps
};

/// Says how much every unit of a model matters: higher survives. One file each in criteria/.
class Criterion {
 public:
  virtual ~Criterion() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view doc() const = 0;  ///< what it measures, and where it is from
  virtual bool needs_data() const = 0;
  virtual bool can_score(UnitKind kind) const = 0;
  /// Units as in `units_in`. Levels don't matter: scores are taken at level 1 in fp32.
  virtual Scores score(const Model& model, UnitKind kind, const ScoreOptions& options) const = 0;
  /// For UnitKind::weights: a score for every number of every matrix in a layer, in the order of
  /// `layer_matrices`, shaped as stored.
  virtual std::vector<at::Tensor> score_weights(const Model& model,
                                                const ScoreOptions& options) const;
};

/// The built-in ones.
std::span<const Criterion* const> criteria();
/// @throws Error naming the nearest.
const Criterion& criterion_named(std::string_view name);
/// @throws Error if it can't score that kind, or needs data and has none.
void check_can_score(const Criterion& criterion, UnitKind kind, const ScoreOptions& options);

const Criterion& random_criterion();
const Criterion& magnitude_criterion();
const Criterion& taylor_criterion();
const Criterion& gradient_criterion();
const Criterion& ablation_criterion();
const Criterion& activation_criterion();
const Criterion& entropy_criterion();
const Criterion& confidence_criterion();
const Criterion& redundancy_criterion();

/// Ranks instead of scores, so that criteria of different units can be added: every unit gets the
/// weighted mean of its ranks, 0 for the lowest of all and 1 for the highest; equal scores share
/// their mean rank.
struct WeightedScores {
  Scores scores;
  double weight = 1;
};
Scores combined(std::span<const WeightedScores> parts);

}  // namespace crescent
