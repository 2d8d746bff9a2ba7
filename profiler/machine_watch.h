#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/system_files.h"
#include "profiler/machine.h"

namespace crescent {

/// The first line of /proc/stat, in seconds summed over all cores since the start of the machine.
struct CpuTimes {
  double busy_s = 0;    ///< user, nice, system, interrupts, of all processes
  double stolen_s = 0;  ///< wanted, but the hypervisor gave the core to another machine
};
std::optional<CpuTimes> cpu_times(const SystemFiles& files);

/// What was done on the machine in a while, beside what this process did.
struct CpuUse {
  double elapsed_s = 0;
  CpuTimes all;      ///< in that while
  double own_s = 0;  ///< CPU time of this process
  int cores = 1;
};
/// Says if others used over a twentieth of the cores, or over 2 % were stolen. Nothing for a while
/// under 0.2 s: the kernel counts in steps of 10 ms.
std::vector<std::string> warnings_of(const CpuUse& use);

/// Watches the machine while something is timed, and holds the timing lock.
class MachineWatch {
 public:
  explicit MachineWatch(std::string root = "/");
  std::vector<std::string> warnings() const;  ///< about the time since construction

 private:
  SystemFiles files_;
  std::string root_;
  TimingLock lock_;
  std::optional<CpuTimes> all_;
  int64_t started_ns_ = 0;
  double own_s_ = 0;
};

}  // namespace crescent
