#include "engine/threads.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "engine/error.h"

namespace crescent {
namespace {

namespace fs = std::filesystem;

constexpr int kThreadsMax = 1024;
std::atomic<int> chosen{0};  // 0: not chosen yet
std::atomic<void (*)(int)> applied_by{nullptr};

/// Quota over period of one cgroup folder, in cores; 0 if it sets none.
double quota_of(const fs::path& folder) {
  std::string quota;
  double period = 0;
  if (std::ifstream file(folder / "cpu.max"); file >> quota >> period) {  // v2: "max 100000"
    return quota == "max" || period <= 0 ? 0 : std::atof(quota.c_str()) / period;
  }
  double v1_quota = -1;
  std::ifstream(folder / "cpu.cfs_quota_us") >> v1_quota;
  std::ifstream(folder / "cpu.cfs_period_us") >> period;
  return v1_quota > 0 && period > 0 ? v1_quota / period : 0;
}

/// The tightest quota from our own group up to the mount; 0 if there is none.
double cgroup_cores() {
  double cores = 0;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool v2 = controllers == ",,";
    if (!v2 && controllers.find(",cpu,") == std::string::npos) continue;
    const fs::path mount = v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
    for (fs::path group = fs::path(line.substr(second + 1)).relative_path();;
         group = group.parent_path()) {
      const double quota = quota_of(group.empty() ? mount : mount / group);
      if (quota > 0) cores = cores > 0 ? std::min(cores, quota) : quota;
      if (group.empty()) break;
    }
  }
  return cores;
}

}  // namespace

int usable_cores() {
  cpu_set_t set;
  int cores = 1;
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = std::max(1, CPU_COUNT(&set));
  const double quota = cgroup_cores();
  if (quota > 0) cores = std::min(cores, std::max(1, static_cast<int>(std::ceil(quota))));
  return cores;
}

int threads() {
  const int n = chosen.load();
  if (n > 0) return n;
  static const int usable = std::min(usable_cores(), kThreadsMax);
  return usable;
}

void set_threads(int n) {
  if (n < 1 || n > kThreadsMax) fail("threads: expected 1 .. {}, got {}", kThreadsMax, n);
  chosen.store(n);
  if (const auto apply = applied_by.load()) apply(n);
}

void on_threads_change(void (*apply)(int n)) {
  applied_by.store(apply);
  if (apply) apply(threads());
}

}  // namespace crescent
