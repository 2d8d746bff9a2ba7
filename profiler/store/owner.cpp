#include "profiler/store/owner.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <sstream>

#include "engine/system_files.h"

namespace crescent {
namespace {

struct Stat {
  char state = '?';
  int64_t started_ticks = 0;
};

/// proc(5): pid (name) state ..., where the name may hold blanks and parentheses; field 22 is when
/// it started.
std::optional<Stat> stat_of(const SystemFiles& files, const std::string& pid) {
  const auto text = files.text(fmt::format("proc/{}/stat", pid));
  const size_t name_end = text ? text->rfind(')') : std::string::npos;
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text->substr(name_end + 1));
  Stat stat;
  fields >> stat.state;
  std::string skipped;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  if (!(fields >> stat.started_ticks)) return std::nullopt;
  return stat;
}

std::string boot_id(const SystemFiles& files) {
  return files.text("proc/sys/kernel/random/boot_id").value_or("");
}

std::string pid_namespace(const std::string& root) {
  std::error_code error;
  const auto target =
      std::filesystem::read_symlink(std::filesystem::path(root) / "proc/self/ns/pid", error);
  return error ? "" : target.string();
}

}  // namespace

ProcessIdentity this_process(const std::string& root) {
  const SystemFiles files(root);
  return {.pid = ::getpid(),
          .started_ticks = stat_of(files, "self").value_or(Stat{}).started_ticks,
          .boot = boot_id(files),
          .pid_namespace = pid_namespace(root)};
}

bool has_ended(const ProcessIdentity& process, const std::string& root) {
  const SystemFiles files(root);
  const std::string boot = boot_id(files);
  if (boot.empty() || process.boot.empty()) return false;
  if (boot != process.boot) return true;
  if (pid_namespace(root) != process.pid_namespace) return false;
  const auto stat = stat_of(files, std::to_string(process.pid));
  if (!stat || stat->started_ticks != process.started_ticks) return true;
  return stat->state == 'Z' || stat->state == 'X';  // dead, not yet waited for
}

}  // namespace crescent
