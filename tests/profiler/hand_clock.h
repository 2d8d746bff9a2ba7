#pragma once
#include "profiler/clock.h"

namespace crescent {

/// A clock that stands still until it is told.
class HandClock : public Clock {
 public:
  int64_t now_ns() override { return now_ns_; }
  void pass(int64_t ns) { now_ns_ += ns; }

 private:
  int64_t now_ns_ = 0;
};

}  // namespace crescent
