#include "profiler/team.h"

#include <algorithm>
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
  spans_.resize(static_cast<size_t>(size));
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
  work_ = &work;
  ready_.store(0, std::memory_order_relaxed);
  done_.store(0, std::memory_order_relaxed);
  turn_.fetch_add(1, std::memory_order_release);
  work_timed(0);
  spin_until([&] { return done_.load(std::memory_order_acquire) == size_; });
  Span all = spans_[0];
  for (const Span& span : spans_) {
    all.begin_ns = std::min(all.begin_ns, span.begin_ns);
    all.end_ns = std::max(all.end_ns, span.end_ns);
  }
  return all.end_ns - all.begin_ns;
}

// Each rank looks at the clock itself: the caller may lose its core between the moment when all
// are ready and its own look, while the others work already.
void SpinTeam::work_timed(int rank) {
  SteadyClock clock;
  const auto* const work = work_;
  ready_.fetch_add(1, std::memory_order_acq_rel);
  spin_until([&] { return ready_.load(std::memory_order_acquire) == size_; });
  Span& span = spans_[static_cast<size_t>(rank)];
  span.begin_ns = clock.now_ns();
  (*work)(rank);
  span.end_ns = clock.now_ns();
  done_.fetch_add(1, std::memory_order_acq_rel);
}

void SpinTeam::serve(int rank) {
  for (int64_t seen = 0;;) {
    spin_until([&] { return turn_.load(std::memory_order_acquire) != seen; });
    seen = turn_.load(std::memory_order_acquire);
    if (seen < 0) return;
    work_timed(rank);
  }
}

}  // namespace crescent
