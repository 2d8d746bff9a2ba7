#include "profiler/team.h"

#include <system_error>

#include "engine/error.h"
#include "profiler/clock.h"

namespace crescent {
namespace {

/// Spins for a few microseconds, then gives way: with more threads than free cores, the one that
/// is waited for may need this one's.
template <class Condition>
void spin_until(Condition condition) {
  for (int i = 0; !condition(); ++i) {
    if (i > 10'000) {
      std::this_thread::yield();
      continue;
    }
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
}

}  // namespace

SpinTeam::SpinTeam(int size) : size_(size) {
  if (size < 1) fail("threads: expected at least 1, got {}", size);
  try {
    for (int rank = 1; rank < size; ++rank) threads_.emplace_back([this, rank] { serve(rank); });
  } catch (const std::system_error& error) {
    stop();
    fail("threads: the system gave {} of {}: {}", threads_.size() + 1, size, error.what());
  }
}

SpinTeam::~SpinTeam() { stop(); }

void SpinTeam::stop() {
  turn_.store(-1, std::memory_order_release);
  for (std::thread& thread : threads_) thread.join();
}

int64_t SpinTeam::run_ns(const std::function<void(int)>& work) {
  SteadyClock clock;
  work_ = &work;
  ready_.store(0, std::memory_order_relaxed);
  done_.store(0, std::memory_order_relaxed);
  turn_.fetch_add(1, std::memory_order_release);
  ready_.fetch_add(1, std::memory_order_acq_rel);
  spin_until([&] { return ready_.load(std::memory_order_acquire) == size_; });
  const int64_t start = clock.now_ns();
  work(0);
  done_.fetch_add(1, std::memory_order_acq_rel);
  spin_until([&] { return done_.load(std::memory_order_acquire) == size_; });
  return clock.now_ns() - start;
}

void SpinTeam::serve(int rank) {
  for (int64_t seen = 0;;) {
    spin_until([&] { return turn_.load(std::memory_order_acquire) != seen; });
    seen = turn_.load(std::memory_order_acquire);
    if (seen < 0) return;
    const auto* const work = work_;
    ready_.fetch_add(1, std::memory_order_acq_rel);
    spin_until([&] { return ready_.load(std::memory_order_acquire) == size_; });
    (*work)(rank);
    done_.fetch_add(1, std::memory_order_acq_rel);
  }
}

}  // namespace crescent
