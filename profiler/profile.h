#pragma once
// A profile: what a recording adds up to.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "profiler/spans.h"

namespace crescent {

/// What has to be done at a place, from the model's description: a multiply-add is 2 FLOPs; bytes
/// are those of weights and cache that have to come from memory, activations not counted.
struct Work {
  double flops = 0;
  double bytes = 0;
};

enum class NodeKind : uint8_t { run, window, section, layer, component, operation, self, profiling };
const char* name_of(NodeKind);

/// A place in a profile, with all that happened there. The times of the children add up to the
/// parent's: what none of them accounts for is a child named 'self', the profiler's own work one
/// named 'profiling'.
struct ProfileNode {
  NodeKind kind = NodeKind::section;
  uint8_t id = 0;      ///< Section or Site; of a window, its number
  int16_t layer = -1;  ///< of this node or of the layer that it is in
  std::string name;    ///< 'decode', 'layer 3', 'attention', 'scores'
  int64_t count = 0;   ///< how often
  double time_ns = 0;
  std::optional<Work> work;  ///< absent where none is defined ('self', 'sample')
  bool estimated = false;    ///< scaled up from a part of the tokens or layers
  int64_t cut = 0;           ///< how many were closed by an error or by a parent
  std::vector<ProfileNode> children;
};

}  // namespace crescent
