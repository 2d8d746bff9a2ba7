#pragma once
#include <string>

namespace crescent {

/// Threads for everything below Lua: LibTorch, OpenMP and our own loops share one libgomp team.
/// LibTorch 1.13 falls to one thread at its first operator unless told before, so the engine sets
/// this before anything else (exec/threads.h). Set by `--threads` and `crescent.threads(n)`; until
/// then `usable_cores()`.
int threads();
void set_threads(int n);  ///< @throws Error unless 1 <= n <= 1024

/// What must be told of a new number; called at once with the present one. The tensor library,
/// which is loaded late and which this part must not name, registers itself here.
void on_threads_change(void (*apply)(int n));

/// Cores that this process may use: the smaller of affinity and cgroup quota (rounded up).
/// @param root  <root>/proc and <root>/sys are read; tests bring their own.
int usable_cores(const std::string& root = "/");

}  // namespace crescent
