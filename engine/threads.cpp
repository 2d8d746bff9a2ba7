#include "engine/threads.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "engine/error.h"
#include "engine/system_files.h"

namespace crescent {
namespace {

constexpr int kThreadsMax = 1024;
std::atomic<int> chosen{0};  // 0: not chosen yet
std::atomic<void (*)(int)> applied_by{nullptr};

}  // namespace

int usable_cores(const std::string& root) {
  const SystemFiles files(root);
  const auto status = files.text("proc/self/status");
  const auto allowed = status ? field(*status, "Cpus_allowed_list") : std::nullopt;
  // Without /proc the standard library knows (on Linux by the same affinity), or says 0.
  int cores = allowed ? count_of_list(*allowed).value_or(0) : 0;
  if (cores == 0) cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  if (const auto quota = cgroup_limits(files).cores)
    cores = static_cast<int>(std::clamp(std::ceil(*quota), 1.0, static_cast<double>(cores)));
  return cores;
}

int threads() {
  const int n = chosen.load();
  if (n > 0) return n;
  static const int usable = std::min(usable_cores(), kThreadsMax);
  return usable;
}

void set_threads(int n) {
  if (n < 1 || n > kThreadsMax) fail("threads: expected 1 .. {}, got {}", kThreadsMax, n);
  chosen.store(n);
  if (const auto apply = applied_by.load()) apply(n);
}

void on_threads_change(void (*apply)(int n)) {
  applied_by.store(apply);
  if (apply) apply(threads());
}

}  // namespace crescent
