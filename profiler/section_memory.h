#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/system_files.h"
#include "profiler/recorder.h"
#include "profiler/trace/chrome.h"

namespace crescent {

/// What an allocator of tensors has done until now.
struct AllocatorFigures {
  int64_t allocations = 0;
  int64_t bytes_now = 0;
  int64_t bytes_peak = 0;  ///< since it was asked last
};

/// The memory of all sections of one kind together.
struct SectionMemory {
  Section section;
  int64_t sections = 0;
  int64_t allocations = 0;
  int64_t bytes_peak = 0;  ///< of tensors, above what was there when the recording began
  int64_t bytes_kept = 0;  ///< of tensors: allocated in them and still there at their ends
  /// Of the process, after the first one. Read once a kind, so that no decode step pays for it.
  std::optional<int64_t> rss_bytes;
};

/// Adds up memory by sections. What is allocated between two sections counts to the second one.
class SectionMemoryListener final : public SectionListener {
 public:
  /// @param allocator  what the allocator of tensors says; asked once a section
  explicit SectionMemoryListener(std::function<AllocatorFigures()> allocator,
                                 std::string root = "/");
  void ended(Section section) override;
  std::vector<SectionMemory> results() const;  ///< of the sections that there were
  /// What tensors held at the end of each section, in their order.
  const std::vector<int64_t>& bytes_at_ends() const { return bytes_at_ends_; }

 private:
  std::function<AllocatorFigures()> allocator_;
  SystemFiles files_;
  AllocatorFigures last_;
  std::vector<int64_t> bytes_at_ends_;
  std::array<SectionMemory, kSections> by_section_{};
};

/// What tensors held above what was there at the beginning, as a track of a trace.
CounterTrack tensor_track(const Recording& recording, const std::vector<int64_t>& bytes_at_ends);

}  // namespace crescent
