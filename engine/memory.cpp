#include "engine/memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

#include "engine/error.h"

namespace crescent {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

/// A file that holds one number. Absent for "max", for a missing file, and for a number so large
/// that it means no limit (cgroup v1 writes 2^63 rounded down to a page).
std::optional<int64_t> number_in(const fs::path& path) {
  std::ifstream file(path);
  int64_t value = 0;
  if (!(file >> value) || value < 0 || value > kUnlimited / 2) return std::nullopt;
  return value;
}

/// The number behind `key` in a file of "key value" lines.
std::optional<int64_t> number_behind(const fs::path& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    int64_t value = 0;
    if (words >> name >> value && name == key) return value;
  }
  return std::nullopt;
}

struct CgroupNames {
  const char* limit;
  const char* used;
  const char* droppable;  // in memory.stat: file pages that the group gives back under pressure
};
constexpr CgroupNames kV1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
constexpr CgroupNames kV2{"memory.max", "memory.current", "inactive_file"};

/// What the groups from `group` up to `mount` leave. A container may see the mount but not its own
/// path below it, so missing folders are passed over.
int64_t left_by_groups(const fs::path& mount, fs::path group, const CgroupNames& names) {
  int64_t left = kUnlimited;
  for (;;) {
    const fs::path folder = group.empty() ? mount : mount / group;
    const auto limit = number_in(folder / names.limit);
    const auto used = number_in(folder / names.used);
    if (limit && used) {
      const int64_t droppable = number_behind(folder / "memory.stat", names.droppable).value_or(0);
      left = std::min(left, std::max<int64_t>(0, *limit - *used + droppable));
    }
    if (group.empty()) return left;
    group = group.parent_path();
  }
}

/// Lines of /proc/self/cgroup: "0::/path" (v2), "4:memory:/path" (v1).
int64_t left_by_cgroups(const fs::path& root) {
  int64_t left = kUnlimited;
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const fs::path group = fs::path(line.substr(second + 1)).relative_path();
    if (controllers == ",,") {
      left = std::min(left, left_by_groups(root / "sys/fs/cgroup", group, kV2));
    } else if (controllers.find(",memory,") != std::string::npos) {
      left = std::min(left, left_by_groups(root / "sys/fs/cgroup/memory", group, kV1));
    }
  }
  return left;
}

}  // namespace

int64_t memory_available_bytes(const fs::path& root) {
  const auto kib = number_behind(root / "proc/meminfo", "MemAvailable:");
  const int64_t machine = kib ? *kib * 1024 : kUnlimited;
  return std::min(machine, left_by_cgroups(root));
}

void require_memory(int64_t bytes, std::string_view what, int64_t available) {
  if (bytes <= available) return;
  fail("{} needs {}, {} free", what, readable_bytes(bytes), readable_bytes(available));
}

void require_memory(int64_t bytes, std::string_view what) {
  require_memory(bytes, what, memory_available_bytes());
}

std::string readable_bytes(int64_t bytes) {
  const double b = static_cast<double>(bytes);
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  if (b < 1e6) return fmt::format("{:.3g} kB", b / 1e3);
  if (b < 1e9) return fmt::format("{:.3g} MB", b / 1e6);
  return fmt::format("{:.1f} GB", b / 1e9);
}

}  // namespace crescent
