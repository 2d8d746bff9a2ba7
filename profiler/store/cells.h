#pragma once
// The cells of an experiment as plain structs. Positions, rounds and attempts count from 1.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace crescent {

/// 'stale': it was running when its process died, or when somebody stopped it.
enum class CellStatus : uint8_t { pending, running, done, failed, stale };
const char* name_of(CellStatus);

/// A point of the grid as an experiment declares it.
struct CellRecord {
  std::string identity;
  std::string point;  ///< JSON
  std::string model, model_hash;
};

/// What one round of a cell gave.
struct StoredResult {
  int64_t round = 0;
  int64_t trial = 0;  ///< its number within the run
  std::string row;    ///< JSON
  std::string text;   ///< hash of the script's text
  std::string build;
};

struct CellFailure {
  std::string message, traceback, output;
};

struct StoredCell : CellRecord {
  int64_t id = 0;
  std::optional<int64_t> position;  ///< none: the grid has it no longer
  CellStatus status = CellStatus::pending;
  int64_t attempts = 0;
  std::optional<int64_t> duration_ns;
  std::optional<CellFailure> failure;
  std::vector<StoredResult> results;  ///< by round
};

}  // namespace crescent
