#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace crescent {

struct MergeResult {
  int64_t runs_added = 0;   ///< that were not there
  int64_t runs_joined = 0;  ///< of experiments that were there and have more cells now
  int64_t cells = 0;        ///< that came in
  int64_t trials = 0;
  std::vector<std::string> warnings;
};

/// Takes over what another store has and this one has not; that store stays as it is. A run of an
/// experiment joins the newest one of the same name and definition, cell by cell: one that is done
/// wins over one that failed, that over one that was not run. Any other run is the same if it began
/// at the same nanosecond with the same definition. So merging twice changes nothing, and the order
/// of merging neither, but for cells that were done in both: those that were here stay, and a
/// warning says so. All or nothing.
/// @throws Error for what is no store, and for a store and itself.
MergeResult merge_store(const std::string& into, const std::string& from);

}  // namespace crescent
