#pragma once

namespace crescent {

/// Threads for everything below Lua: LibTorch, OpenMP and our own loops share one libgomp team.
/// LibTorch 1.13 falls to one thread at its first operator unless told before, so the engine sets
/// this before anything else. Set by `--threads` and `crescent.threads(n)`.
int threads();
void set_threads(int n);   ///< @throws Error unless 1 <= n <= 1024

}  // namespace crescent
