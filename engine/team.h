#pragma once
#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <type_traits>

namespace crescent {

/// Half open: begin <= i < end.
struct Range {
  int64_t begin = 0, end = 0;

  bool operator==(const Range&) const = default;
};

/// Where all threads of a team wait for each other: often and for short, so it spins first, then
/// lets others run, then sleeps. What was written before it is seen behind it.
class Barrier {
 public:
  class Abandoned {};
  void wait(int size);  ///< for `size` threads. @throws Abandoned once a thread has failed
  void abandon();       ///< a thread that will not come any more wakes the others

 private:
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<uint32_t> turn_{0};
  std::atomic<bool> abandoned_{false};
};

/// One thread's place in a running team.
struct Rank {
  int index = 0, size = 1;
  Barrier* meeting = nullptr;  ///< null: alone

  /// All threads of the team must pass the same barriers. With one thread it costs nothing.
  void barrier() const {
    if (meeting) meeting->wait(size);
  }
};

/// A thread's share of 0 .. count: neighbours in the order of the threads, as even as whole grains
/// allow, together everything once. Only the last grain may be cut short.
Range share_of(int64_t count, Rank rank, int64_t grain = 1);

/// One run of a function on all threads of a team: what the teams below have in common.
class Region {
 public:
  struct Work {
    void* function;
    void (*call)(void* function, const Rank&);
  };
  explicit Region(const Work& work) : work_(work) {}
  void call(int index, int size) noexcept;  ///< on each thread
  void finish();                            ///< @throws what a thread threw

 private:
  const Work work_;
  Barrier barrier_;
  std::mutex mutex_;
  std::exception_ptr error_;
};

/// Threads that run one function together. The calling thread is rank 0. One parallel region costs
/// microseconds, so a token is one: what must wait for each other inside uses the rank's barrier.
class Team {
 public:
  virtual ~Team() = default;
  int size() const { return size_; }

  /// Calls `function(Rank)` once on every thread and returns when all have come back. The system
  /// may give fewer threads than size(): Rank::size says how many there are. Not from inside
  /// itself.
  /// @throws what a thread threw (the first, if several did); the others leave at their next
  /// barrier.
  template <class Function>
  void run(Function&& function) {
    Region region({&function, [](void* f, const Rank& rank) {
                     (*static_cast<std::remove_reference_t<Function>*>(f))(rank);
                   }});
    run_on_all(region);
    region.finish();
  }

 protected:
  explicit Team(int size) : size_(size) {}
  virtual void run_on_all(Region&) = 0;

 private:
  const int size_;
};

/// Threads of our own, which sleep between runs. For what links no OpenMP: tests under the thread
/// sanitizer, benchmarks of kernels. Beside LibTorch use make_openmp_team (exec/openmp_team.h).
/// @throws Error unless 1 <= size <= 1024
std::unique_ptr<Team> make_thread_team(int size);

}  // namespace crescent
