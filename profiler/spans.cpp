#include "profiler/spans.h"

#include <fmt/format.h>

namespace crescent {

int rank_of(const Span& span) {
  switch (span.kind) {
    case SpanKind::window: return 0;
    case SpanKind::section: return 1;
    case SpanKind::site: return 2 + static_cast<int>(depth_of(static_cast<Site>(span.id)));
    case SpanKind::profiling: return 5;
  }
  return 5;
}

std::string name_of(const Span& span, const Recording& recording) {
  switch (span.kind) {
    case SpanKind::window: return recording.windows.at(span.id);
    case SpanKind::section: return name_of(static_cast<Section>(span.id));
    case SpanKind::site:
      if (static_cast<Site>(span.id) == Site::block) return fmt::format("layer {}", span.layer + 1);
      return name_of(static_cast<Site>(span.id));
    case SpanKind::profiling: return "profiling";
  }
  return "?";
}

}  // namespace crescent
