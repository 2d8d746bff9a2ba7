#include <algorithm>
#include <vector>

#include "engine/system_files.h"

namespace crescent {
namespace {

/// A group, and all above it, down to the mount point: a limit anywhere on the way holds. In a
/// container the path may name a folder that only the machine sees; then the mount point is it.
std::vector<std::string> folders_from(const std::string& mount, std::string path) {
  std::vector<std::string> folders;
  while (path.size() > 1) {
    folders.push_back(mount + path);
    path.erase(path.rfind('/'));
  }
  folders.push_back(mount);
  return folders;
}

struct Group {
  std::string controllers;  ///< "cpu,cpuacct"; empty in version 2, which has one tree for all
  std::string path;         ///< "/user.slice"
};

/// /proc/self/cgroup, a line a tree: "4:memory:/a/b" in version 1, "0::/a/b" in version 2.
std::vector<Group> groups_of_this_process(const SystemFiles& files) {
  std::vector<Group> groups;
  const std::string text = files.text("proc/self/cgroup").value_or("");
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    const size_t first = line.find(':');
    const size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos || line.compare(second + 1, 1, "/") != 0) continue;
    groups.push_back({line.substr(first + 1, second - first - 1), line.substr(second + 1)});
  }
  return groups;
}

bool has_controller(const std::string& controllers, const std::string& name) {
  return ("," + controllers + ",").find("," + name + ",") != std::string::npos;
}

template <class T>
void lower(std::optional<T>& least, T value) {
  least = least ? std::min(*least, value) : value;
}

void apply_quota(CgroupLimits& limits, std::optional<int64_t> quota_us,
                 std::optional<int64_t> period_us) {
  if (quota_us && period_us && *quota_us > 0 && *period_us > 0)
    lower(limits.cores, static_cast<double>(*quota_us) / static_cast<double>(*period_us));
}

/// Pages of files that were not touched lately are counted as used but are given back on demand.
void apply_memory(CgroupLimits& limits, std::optional<int64_t> most, std::optional<int64_t> used,
                  const std::optional<std::string>& stat, const char* inactive_file) {
  constexpr int64_t kUnlimited = int64_t{1} << 60;  // version 1 writes a page short of 2^63
  if (!most || *most <= 0 || *most >= kUnlimited) return;
  lower(limits.memory_bytes, *most);
  if (!used) return;
  const auto inactive_text = stat ? field(*stat, inactive_file) : std::nullopt;
  const int64_t inactive = inactive_text ? leading_integer(*inactive_text).value_or(0) : 0;
  lower(limits.memory_left_bytes,
        std::max<int64_t>(0, *most - std::max<int64_t>(0, *used - inactive)));
}

}  // namespace

CgroupLimits cgroup_limits(const SystemFiles& files) {
  CgroupLimits limits;
  const auto apply_v2 = [&](const std::string& folder) {
    if (const auto cpu = files.text(folder + "/cpu.max")) {  // "200000 100000" or "max 100000"
      const size_t blank = cpu->find(' ');
      if (blank != cpu->npos)
        apply_quota(limits, leading_integer(*cpu), leading_integer(cpu->substr(blank)));
    }
    apply_memory(limits, files.integer(folder + "/memory.max"),
                 files.integer(folder + "/memory.current"), files.text(folder + "/memory.stat"),
                 "inactive_file");
  };
  for (const Group& group : groups_of_this_process(files)) {
    if (group.controllers.empty()) {
      // Beside version 1 trees, version 2 is mounted one folder lower.
      for (const char* mount : {"sys/fs/cgroup", "sys/fs/cgroup/unified"})
        for (const std::string& folder : folders_from(mount, group.path)) apply_v2(folder);
      continue;
    }
    const std::string mount = "sys/fs/cgroup/" + group.controllers;
    if (has_controller(group.controllers, "cpu"))
      for (const std::string& folder : folders_from(mount, group.path))
        apply_quota(limits, files.integer(folder + "/cpu.cfs_quota_us"),
                    files.integer(folder + "/cpu.cfs_period_us"));
    if (has_controller(group.controllers, "memory"))
      for (const std::string& folder : folders_from(mount, group.path))
        apply_memory(limits, files.integer(folder + "/memory.limit_in_bytes"),
                     files.integer(folder + "/memory.usage_in_bytes"),
                     files.text(folder + "/memory.stat"), "total_inactive_file");
  }
  return limits;
}

std::optional<int64_t> out_of_memory_kills(const SystemFiles& files) {
  const auto count_in = [&](const std::string& path) -> std::optional<int64_t> {
    const auto text = files.text(path);
    const auto count = text ? field(*text, "oom_kill") : std::nullopt;
    return count ? leading_integer(*count) : std::nullopt;
  };
  for (const Group& group : groups_of_this_process(files)) {
    const bool is_v1 = has_controller(group.controllers, "memory");
    if (!is_v1 && !group.controllers.empty()) continue;
    const std::string mount = is_v1 ? "sys/fs/cgroup/" + group.controllers : "sys/fs/cgroup";
    const char* const file = is_v1 ? "/memory.oom_control" : "/memory.events";
    for (const std::string& folder : folders_from(mount, group.path))
      if (const auto count = count_in(folder + file)) return count;
  }
  return count_in("proc/vmstat");
}

}  // namespace crescent
