#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crescent {

/// The small text files by which Linux describes a machine, below a root folder ("/", or a copy of
/// parts of it in a test).
class SystemFiles {
 public:
  explicit SystemFiles(std::string root) : root_(std::move(root)) {}

  /// Without blanks and newlines at the end; nothing if there is no such file.
  std::optional<std::string> text(std::string_view path) const;
  std::optional<int64_t> integer(std::string_view path) const;

 private:
  std::string root_;
};

/// The integer that a text starts with, after blanks.
std::optional<int64_t> leading_integer(std::string_view text);

/// What follows 'name' and an optional ':' at a line's start: "MemTotal:   24105 kB" -> "24105 kB".
std::optional<std::string> field(std::string_view text, std::string_view name);
/// Likewise, of a line in kB.
std::optional<int64_t> field_kb_as_bytes(std::string_view text, std::string_view name);

/// "0-3,7" -> 5; nothing if it isn't such a list.
std::optional<int> count_of_list(std::string_view list);

/// "32K", "1024K", "32M" -> bytes.
std::optional<int64_t> bytes_of_size(std::string_view size);

/// The least that any control group of this process, or one above it, leaves: cores by CPU quota,
/// bytes of memory. Nothing where none is limited. Versions 1 and 2, at their usual mount points.
struct CgroupLimits {
  std::optional<double> cores;
  std::optional<int64_t> memory_bytes, memory_left_bytes;
};
CgroupLimits cgroup_limits(const SystemFiles& files);

/// Processes that the kernel has ended for lack of memory in this process's control group, or on
/// the machine where no group tells. Nothing where neither does.
std::optional<int64_t> out_of_memory_kills(const SystemFiles& files);

}  // namespace crescent
