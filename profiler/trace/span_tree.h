#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "profiler/spans.h"

namespace crescent {

/// How deep a span stands: its rank (spans.h). Each is left out of a trace before those above it.
enum class SpanDepth : uint8_t { window, section, layer, component, operation };

/// 'prefill', 'layer 3', 'scores': as profiles call it, layers from 1.
/// @throws Error for a window without a name, and for a section or site that does not exist.
std::string span_name(const Recording& recording, const Span& span);

/// Who stands in whom, found from the times.
struct SpanTree {
  static constexpr size_t kNone = SIZE_MAX;
  std::vector<size_t> parent;         ///< by place in Recording::spans
  std::vector<SpanDepth> depth;       ///< of the profiler's own work: one below its parent's
  std::vector<size_t> parents_first;  ///< all spans, each after its parent, by their begins
};

/// @throws Error where spans are not in the order of their ends, one leaves its parent (naming
/// both) or the recording.
SpanTree span_tree(const Recording& recording);

}  // namespace crescent
