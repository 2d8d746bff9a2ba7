#pragma once
#include <cstdint>

#ifdef __x86_64__
#  include <x86intrin.h>
#endif

#include "profiler/clock.h"

namespace crescent {

/// The cheapest clock that there is: the processor's time-stamp counter where the kernel itself
/// keeps time by it (so it runs at one rate on all cores), else the steady clock. Its rate is
/// measured over the very time that is recorded, so calibrating costs nothing and needs no wait.
class Ticks {
 public:
  /// @param clock  the time to be calibrated against
  /// @param counter  false: take every reading from `clock` (tests, and machines without one)
  explicit Ticks(Clock& clock, bool counter = counter_is_steady());

  uint64_t now() const {
#ifdef __x86_64__
    if (counter_) return __rdtsc();
#endif
    return static_cast<uint64_t>(clock_->now_ns());
  }

  /// Measured from construction to now. Under a millisecond it waits for the rest of it.
  double ns_per_tick() const;
  int64_t first_ns() const { return first_ns_; }  ///< by the clock, when this was made

  /// Does the kernel call the counter constant and never stopping, and use it as its own clock?
  static bool counter_is_steady();

 private:
  Clock* clock_;
  bool counter_;
  uint64_t first_tick_ = 0;
  int64_t first_ns_ = 0;
};

}  // namespace crescent
