#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace crescent {

/// How a process that this one started came to its end.
struct ChildEnd {
  std::optional<int> code;  ///< what it exited with; nothing if a signal killed it
  std::string signal;       ///< 'SIGSEGV'; empty if it exited
  bool core = false;        ///< the kernel wrote its memory to a file
  bool by_parent = false;   ///< this process sent the signal
  /// Processes that the kernel ended for lack of memory, in our control group, or on the machine
  /// where no group counts them, while the child ran.
  int64_t out_of_memory_kills = 0;
  /// Of the largest process among the child and what it waited for.
  std::optional<int64_t> memory_bytes_peak;

  /// True if the signal is the out-of-memory killer's and that has ended somebody meanwhile.
  bool out_of_memory() const {
    return signal == "SIGKILL" && !by_parent && out_of_memory_kills > 0;
  }
  /// 'exited with 3', 'killed by SIGSEGV, core dumped'.
  std::string reason() const;
};

/// From what wait(2) tells: the fields code, signal and core.
ChildEnd child_end_of(int wait_status);

}  // namespace crescent
