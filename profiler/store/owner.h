#pragma once
#include <cstdint>
#include <string>

namespace crescent {

/// A process, told from any that gets its number later.
struct ProcessIdentity {
  int64_t pid = 0;
  int64_t started_ticks = 0;  ///< clock ticks since boot
  std::string boot;           ///< the kernel's boot id
  std::string pid_namespace;  ///< 'pid:[4026531836]'
  bool operator==(const ProcessIdentity&) const = default;
};

/// Functions with a `root` read <root>/proc, so that tests can bring their own.
ProcessIdentity this_process(const std::string& root = "/");

/// True only if it surely ended: the machine was booted since, or among the processes that can be
/// seen from here there is none that is it. One of another container can't be judged.
bool has_ended(const ProcessIdentity& process, const std::string& root = "/");

}  // namespace crescent
