#pragma once
// A profile: what a recording adds up to.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/model/accounting.h"
#include "profiler/spans.h"

namespace crescent {

enum class NodeKind : uint8_t {
  run,
  window,
  section,
  layers,  ///< in a summary: all layers together
  layer,
  component,
  operation,
  self,
  profiling
};
const char* name_of(NodeKind);

/// A place in a profile, with all that happened there. The times of the children add up to the
/// parent's: what none of them accounts for is a child named 'self'. The profiler's own work is
/// taken out of the layers and components that it happened in; all of it is one child 'profiling'
/// of the section.
struct ProfileNode {
  NodeKind kind = NodeKind::run;
  uint8_t id = 0;      ///< Section or Site; of a window, its number
  int16_t layer = -1;  ///< of this node, or of the layer that it is in; from 0
  std::string name;    ///< 'decode', 'layer 3', 'attention', 'scores'
  int64_t count = 0;   ///< how often
  double time_ns = 0;
  std::optional<Work> work;  ///< absent where none is defined ('self', 'sample')
  bool estimated = false;    ///< scaled up from a part of the tokens or layers
  int64_t cut = 0;           ///< how many were closed by an error or by a parent
  std::vector<ProfileNode> children;

  const ProfileNode* child(std::string_view name) const;  ///< nullptr if there is none
};

struct ProfileOptions {
  /// What a site had to do in a section; nothing where that isn't defined.
  std::function<std::optional<Work>(Site, int16_t layer, Section, SectionSize)> work = {};
  /// What a section had to do as a whole, whether its sites were recorded or not.
  std::function<std::optional<Work>(Section, SectionSize)> section_work = {};
  /// Of the recorder: what it left out is scaled up from what it saw.
  int32_t every_token = 1;
  int32_t every_layer = 1;
};

/// The tree of a whole recording: run > windows > sections > layers > components > operations.
/// @throws Error naming both spans if one leaves the one that it began in.
ProfileNode build_profile(const Recording& recording, const ProfileOptions& options = {});

/// Adds what happened in another run of the same thing.
void add_profile(ProfileNode& to, const ProfileNode& from);

/// The same tree with the layers of every section in one node 'layers', its components summed over
/// the layers: what fits on a screen.
ProfileNode fold_layers(const ProfileNode& tree, int32_t every_layer = 1);

}  // namespace crescent
