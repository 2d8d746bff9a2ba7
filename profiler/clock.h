#pragma once
#include <chrono>
#include <cstdint>

namespace crescent {

/// Time as the measuring code sees it, so that tests can bring their own.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t now_ns() = 0;  ///< monotonic, from an arbitrary start
};

class SteadyClock final : public Clock {
 public:
  int64_t now_ns() override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace crescent
