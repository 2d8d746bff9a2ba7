#pragma once
#include <optional>
#include <vector>

#include "profiler/activation_statistics.h"
#include "profiler/profile.h"
#include "profiler/section_memory.h"
#include "profiler/sensor/sensor.h"
#include "profiler/spans.h"
#include "profiler/trace/chrome.h"

namespace crescent {

/// What one recording gave.
struct ProfileTrial {
  Recording recording;
  ProfileNode tree;
  std::vector<Statistic> statistics;
  std::vector<SectionMemory> memory;
  std::vector<CounterTrack> counters;
  int64_t counters_dropped = 0;
  std::optional<EnergySpent> energy;  ///< nothing where no sensor was asked
};

}  // namespace crescent
