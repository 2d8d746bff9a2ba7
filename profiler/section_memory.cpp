#include "profiler/section_memory.h"

#include <algorithm>

#include "profiler/machine.h"

namespace crescent {

SectionMemoryListener::SectionMemoryListener(std::function<AllocatorFigures()> allocator,
                                             std::string root)
    : allocator_(std::move(allocator)), files_(std::move(root)), last_(allocator_()) {
  for (int i = 0; i < kSections; ++i)
    by_section_[static_cast<size_t>(i)].section = static_cast<Section>(i);
}

void SectionMemoryListener::ended(Section section) {
  SectionMemory& memory = by_section_[static_cast<size_t>(section)];
  const AllocatorFigures now = allocator_();
  memory.allocations += now.allocations - last_.allocations;
  memory.bytes_kept += now.bytes_now - last_.bytes_now;
  memory.bytes_peak = std::max(memory.bytes_peak, now.bytes_peak);
  if (memory.sections++ == 0) memory.rss_bytes = resident_bytes(files_);
  bytes_at_ends_.push_back(now.bytes_now);
  last_ = now;
}

CounterTrack tensor_track(const Recording& recording, const std::vector<int64_t>& bytes_at_ends) {
  CounterTrack track{.name = "tensors", .unit = "bytes", .times_ns = {}, .values = {}};
  for (const Span& span : recording.spans) {
    const size_t section = track.values.size();
    if (span.kind != SpanKind::section || section == bytes_at_ends.size()) continue;
    track.times_ns.push_back(span.end_ns);
    track.values.push_back(static_cast<double>(bytes_at_ends[section]));
  }
  return track;
}

std::vector<SectionMemory> SectionMemoryListener::results() const {
  std::vector<SectionMemory> found;
  for (const SectionMemory& memory : by_section_)
    if (memory.sections > 0) found.push_back(memory);
  return found;
}

}  // namespace crescent
