#include "engine/team.h"

#include <sched.h>

#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/error.h"

namespace crescent {
namespace {

constexpr int kThreadsMax = 1024;
// Neighbours are microseconds apart when each has a core. Behind that the machine is shared, and
// whoever is missing needs this core.
constexpr int kSpins = 2000;
constexpr int kYields = 50;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Returns when `word` is no longer `old`.
void wait_until_changed(const std::atomic<uint32_t>& word, uint32_t old) {
  for (int i = 0; i < kSpins; ++i) {
    if (word.load(std::memory_order_acquire) != old) return;
    pause();
  }
  for (int i = 0; i < kYields; ++i) {
    if (word.load(std::memory_order_acquire) != old) return;
    sched_yield();
  }
  word.wait(old, std::memory_order_acquire);
}

class ThreadTeam final : public Team {
 public:
  explicit ThreadTeam(int size) : Team(size) {
    try {
      for (int index = 1; index < size; ++index)
        workers_.emplace_back([this, index] { work(index); });
    } catch (...) {
      stop();
      throw;
    }
  }
  ~ThreadTeam() override { stop(); }

 private:
  void run_on_all(Region& region) override {
    const std::lock_guard lock(one_run_);
    const uint32_t over = over_.load(std::memory_order_relaxed);
    region_ = &region;
    working_.store(size() - 1, std::memory_order_relaxed);
    begun_.fetch_add(1, std::memory_order_release);
    begun_.notify_all();
    region.call(0, size());
    if (size() > 1) wait_until_changed(over_, over);
  }

  void work(int index) {
    for (uint32_t seen = 0;; ++seen) {
      wait_until_changed(begun_, seen);
      if (!region_) return;
      region_->call(index, size());
      if (working_.fetch_sub(1, std::memory_order_acq_rel) != 1) continue;
      over_.fetch_add(1, std::memory_order_release);
      over_.notify_all();
    }
  }

  void stop() {
    region_ = nullptr;
    begun_.fetch_add(1, std::memory_order_release);
    begun_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  std::vector<std::thread> workers_;
  std::mutex one_run_;
  Region* region_ = nullptr;  // of the present run; null: the end
  alignas(64) std::atomic<uint32_t> begun_{0};
  alignas(64) std::atomic<uint32_t> over_{0};
  std::atomic<int> working_{0};
};

}  // namespace

void Barrier::wait(int size) {
  const uint32_t turn = turn_.load(std::memory_order_acquire);
  if (abandoned_.load(std::memory_order_acquire)) throw Abandoned();
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size) {
    arrived_.store(0, std::memory_order_relaxed);
    turn_.fetch_add(1, std::memory_order_release);
    turn_.notify_all();
    return;
  }
  wait_until_changed(turn_, turn);
  if (abandoned_.load(std::memory_order_acquire)) throw Abandoned();
}

void Barrier::abandon() {
  // In this order: whoever misses the flag waits for a turn that is now over.
  abandoned_.store(true, std::memory_order_release);
  turn_.fetch_add(1, std::memory_order_release);
  turn_.notify_all();
}

Range share_of(int64_t count, Rank rank, int64_t grain) {
  const int64_t grains = count / grain + (count % grain != 0);
  // The first grains % size threads take one more.
  const int64_t each = grains / rank.size, more = grains % rank.size;
  const auto begin_of = [&](int64_t index) {
    const int64_t grain_index = index * each + (index < more ? index : more);
    return grain_index >= grains ? count : grain_index * grain;
  };
  return {begin_of(rank.index), begin_of(rank.index + 1)};
}

void Region::call(int index, int size) noexcept {
  try {
    work_.call(work_.function, Rank{index, size, size > 1 ? &barrier_ : nullptr});
  } catch (const Barrier::Abandoned&) {
    // Whoever failed has told.
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::current_exception();
    barrier_.abandon();
  }
}

void Region::finish() {
  if (error_) std::rethrow_exception(error_);
}

std::unique_ptr<Team> make_thread_team(int size) {
  if (size < 1 || size > kThreadsMax)
    fail("team: expected 1 .. {} threads, got {}", kThreadsMax, size);
  return std::make_unique<ThreadTeam>(size);
}

}  // namespace crescent
