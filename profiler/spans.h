#pragma once
// Spans: what a profile is made of.
//
// A span is a stretch of one thread's time with a name: a window (named by a script), a section
// (`Section`), a site of a forward pass (`Site`), or the profiler's own work, which is recorded
// like any other so that it is never counted as the model's. It is written when it ends, so a list
// of spans has children before their parents. They come from one thread and nest properly.
#include <cstdint>
#include <string>
#include <vector>

#include "engine/observe.h"

namespace crescent {

enum class SpanKind : uint8_t { window, section, site, profiling };

struct Span {
  int64_t begin_ns = 0;  ///< from the beginning of the recording
  int64_t end_ns = 0;
  SpanKind kind = SpanKind::section;
  uint8_t id = 0;      ///< Section or Site; of a window, its place in the list of names
  int16_t layer = -1;  ///< from 0; -1 for what belongs to none
  /// Closed by an error or by its parent's end, not by its own.
  bool cut = false;
  SectionSize size;  ///< of a section
  int64_t duration_ns() const { return end_ns - begin_ns; }
  bool operator==(const Span&) const = default;
};

/// How deep a span stands: what has a greater rank can't contain what has a lesser one; only
/// windows contain their like. window 0, section 1, layer 2, component 3, operation 4, profiling 5.
int rank_of(const Span& span);

/// Everything that one recording holds.
struct Recording {
  std::vector<Span> spans;           ///< by their ends: children before parents
  std::vector<std::string> windows;  ///< names, by Span::id
  int64_t duration_ns = 0;
};

/// 'decode', 'layer 3', 'attention', a window's name, 'profiling'.
std::string name_of(const Span& span, const Recording& recording);

}  // namespace crescent
