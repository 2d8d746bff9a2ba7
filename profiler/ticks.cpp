#include "profiler/ticks.h"

#include "engine/system_files.h"

namespace crescent {

Ticks::Ticks(Clock& clock, bool counter) : clock_(&clock), counter_(counter) {
  first_ns_ = clock.now_ns();
  first_tick_ = now();
}

double Ticks::ns_per_tick() const {
  if (!counter_) return 1;
  int64_t ns = clock_->now_ns();
  while (ns - first_ns_ < 1'000'000) ns = clock_->now_ns();
  return static_cast<double>(ns - first_ns_) / static_cast<double>(now() - first_tick_);
}

bool Ticks::counter_is_steady() {
#ifdef __x86_64__
  static const bool steady = [] {
    const SystemFiles files("/");
    const std::string flags = field(files.text("proc/cpuinfo").value_or(""), "flags").value_or("");
    return flags.find(" constant_tsc ") != flags.npos && flags.find(" nonstop_tsc ") != flags.npos;
  }();
  return steady;
#else
  return false;
#endif
}

}  // namespace crescent
