#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/prune/unit.h"

namespace crescent {

/// What a criterion found: a number for every unit of one kind. Higher survives.
struct Scores {
  UnitKind kind = UnitKind::heads;
  std::vector<std::vector<double>> of;  ///< [layer][unit]
};

/// How much goes: exactly one of these is set.
struct Budget {
  std::map<UnitKind, double> ratio;    ///< share of the units of each kind, 0 .. 1
  std::optional<double> ratio_of_all;  ///< several kinds: share of the parameters in their units
  std::optional<int64_t> count;        ///< units
  std::optional<std::vector<Unit>> list;
  std::optional<int64_t> params_max;  ///< parameters of the pruned model
  std::optional<int64_t> bytes_max;   ///< bytes of its weights as stored
};

struct SelectOptions {
  Budget budget;
  bool per_layer = false;                 ///< ratio and count hold for each layer by itself
  std::vector<int32_t> protected_layers;  ///< from 0
  int32_t keep_heads_min = 1;             ///< of each layer that stays
  double bytes_per_parameter = 4;
};

struct ScoredUnit {
  Unit unit;
  double score = 0;
  int64_t parameters = 0;  ///< that go with it, if it goes alone
};

/// The units to remove, lowest score first; several kinds are ranked by score per parameter that
/// goes with a unit, so that a layer and a neuron can be weighed against each other. Equal scores:
/// by kind, layer, index.
/// @param scores  one for each kind
/// @throws Error if the budget can't be met, or a listed unit is missing, protected or named twice.
std::vector<ScoredUnit> select(const DecoderConfig& config, const Layout& layout,
                               const std::vector<Scores>& scores, const SelectOptions& options);

}  // namespace crescent
