#pragma once
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/model/accounting.h"
#include "engine/prune/selection.h"

namespace crescent {

/// What a model weighs and costs, by its description alone.
struct ModelFigures {
  PartCounts parameters;
  int64_t bytes = 0;          ///< of the weights as stored, without the file's header
  PartCounts flops;           ///< a token of a decode, with `context` tokens attended to
  int64_t elements_read = 0;  ///< weights that a token of a batch-1 decode reads
};
ModelFigures figures_of(const DecoderConfig& config, const Layout& layout,
                        double bytes_per_parameter, int64_t context);

/// The text that a criterion looked at.
struct DataUsed {
  std::string source;  ///< 'file book.txt', 'text', 'ids'
  std::string hash;    ///< 16 hex digits over the ids
  int64_t tokens = 0;
  int64_t window = 0;
};

/// Single weights that stay, one bit each in the tensor's stored order, lowest bit first.
struct WeightMask {
  std::string tensor;
  int64_t elements = 0, removed = 0;
  std::vector<uint8_t> kept;
};

/// What is to be removed from one model, why, and what that is expected to save. Score -> plan ->
/// apply: made from scores by `select`, looked at, saved, then applied (engine/prune/apply.h).
struct Plan {
  std::string model_hash;
  std::string family;
  std::string criterion;
  uint64_t seed = 1;
  std::optional<DataUsed> data;
  std::vector<ScoredUnit> removed;  ///< in the order in which they were chosen
  std::vector<WeightMask> masks;
  std::vector<Scores> scores;  ///< of all units that were looked at, by kind, for pictures
  int64_t context = 0;         ///< for the FLOPs
  ModelFigures before, after;
  std::vector<std::string> notes;  ///< which rules were taken where there was a choice

  std::vector<Unit> units() const;
};

nlohmann::json to_json(const Plan& plan);
/// From a hostile file too. @throws Error naming file, field, expected and found.
Plan plan_from_json(const nlohmann::json& json, std::string_view where);

/// @throws Error unless the plan was made for this very model.
void check_belongs(const Plan& plan, const std::string& model_hash);

}  // namespace crescent
