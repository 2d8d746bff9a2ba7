#include "profiler/child_end.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <cstring>

namespace crescent {

ChildEnd child_end_of(int wait_status) {
  ChildEnd end;
  if (WIFEXITED(wait_status)) {
    end.code = WEXITSTATUS(wait_status);
  } else {
    const int number = WTERMSIG(wait_status);
    const char* const name = ::sigabbrev_np(number);  // none for real-time signals
    end.signal = name ? fmt::format("SIG{}", name) : fmt::format("signal {}", number);
    end.core = WCOREDUMP(wait_status);
  }
  return end;
}

std::string ChildEnd::reason() const {
  if (code) return fmt::format("exited with {}", *code);
  if (signal.empty()) return "ended, and how is not known: SIGCHLD is ignored in this process";
  if (by_parent) return fmt::format("ended by this process with {}", signal);
  if (out_of_memory())
    return fmt::format(
        "killed by {}, which the kernel's out-of-memory killer sends: it killed {} process{} "
        "meanwhile",
        signal, out_of_memory_kills, out_of_memory_kills == 1 ? "" : "es");
  return fmt::format("killed by {}{}", signal, core ? ", core dumped" : "");
}

}  // namespace crescent
