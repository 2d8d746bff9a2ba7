#include "engine/memory.h"

#include <algorithm>
#include <optional>

#include "engine/system_files.h"

namespace crescent {
namespace {

std::optional<int64_t> available(const SystemFiles& files) {
  const auto machine = field_kb_as_bytes(files.text("proc/meminfo").value_or(""), "MemAvailable");
  if (!machine) return std::nullopt;
  return std::min(*machine, cgroup_limits(files).memory_left_bytes.value_or(*machine));
}

}  // namespace

int64_t memory_available_bytes(const std::string& root) {
  if (const auto bytes = available(SystemFiles(root))) return *bytes;
  fail("{}/proc/meminfo: expected a line 'MemAvailable: N kB', found none; is /proc mounted?",
       root == "/" ? "" : root);
}

void require_memory(int64_t bytes, std::string_view what, int64_t available) {
  if (bytes <= available) return;
  throw OutOfMemory(
      fmt::format("{} needs {}, {} free", what, readable_bytes(bytes), readable_bytes(available)));
}

void require_memory(int64_t bytes, std::string_view what) {
  require_memory(bytes, what, available(SystemFiles("/")).value_or(bytes));
}

std::string readable_bytes(int64_t bytes) {
  const double b = static_cast<double>(bytes);
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  if (b < 1e6) return fmt::format("{:.3g} kB", b / 1e3);
  if (b < 1e9) return fmt::format("{:.3g} MB", b / 1e6);
  return fmt::format("{:.1f} GB", b / 1e9);
}

}  // namespace crescent
