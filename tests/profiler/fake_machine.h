#pragma once
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <utility>

#include "profiler/clock.h"
#include "profiler/compare.h"

namespace crescent {

/// A machine whose clock goes on by what its candidates take, times what `noise` makes of it.
class FakeMachine : public Clock {
 public:
  /// The factor on a call that begins at a time, in seconds.
  using Noise = std::function<double(double now_s)>;

  FakeMachine() = default;
  explicit FakeMachine(Noise noise) : noise_(std::move(noise)) {}

  int64_t now_ns() override {
    now_ns_ += look_ns_;
    return static_cast<int64_t>(now_ns_);
  }
  /// What looking at the clock takes, so that who waits for it comes to an end.
  void set_look_ns(double ns) { look_ns_ = ns; }

  Candidate candidate(const std::string& name, double time_ns) {
    return {name, [this, name, time_ns] {
              calls_ += name;
              const double time = time_ns * (noise_ ? noise_(now_ns_ * 1e-9) : 1);
              now_ns_ += time;
              return time;
            }};
  }
  const std::string& calls() const { return calls_; }  ///< names of all calls, one after the other

 private:
  Noise noise_;
  double now_ns_ = 0, look_ns_ = 0;
  std::string calls_;
};

/// Noise like that of shared machines: a core of 1.3 % by quantiles, and three calls of a hundred
/// that take a third longer on average, which makes the standard deviation 8 %. `memory` of 0.9:
/// what slows a call slows the next ones too (an autoregressive process of order one).
class SharedMachineNoise {
 public:
  explicit SharedMachineNoise(uint64_t seed, double core = 0.013, double memory = 0)
      : random_(seed), core_(core), memory_(memory) {}

  double operator()(double) {
    state_ = memory_ * state_ + std::sqrt(1 - memory_ * memory_) * normal_(random_);
    const bool outlier = uniform_(random_) < 0.03;
    return std::exp(core_ * state_) * (outlier ? 1 + 0.33 * exponential_(random_) : 1);
  }

 private:
  std::mt19937_64 random_;
  double core_, memory_, state_ = 0;
  std::normal_distribution<double> normal_;
  std::exponential_distribution<double> exponential_;
  std::uniform_real_distribution<double> uniform_;
};

/// Plays recorded noise (in thousandths of the median) from some place on, over and over.
class RecordedNoise {
 public:
  RecordedNoise(std::span<const uint16_t> trace, size_t start) : trace_(trace), next_(start) {}
  double operator()(double) { return 1e-3 * trace_[next_++ % trace_.size()]; }

 private:
  std::span<const uint16_t> trace_;
  size_t next_;
};

}  // namespace crescent
