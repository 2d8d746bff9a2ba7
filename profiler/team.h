#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace crescent {

/// A few threads that begin at the same moment, for measuring what all cores reach together.
/// They spin while they wait, so a team lives no longer than its measurement.
class SpinTeam {
 public:
  /// @throws Error for a size below 1 or if the system gives no more threads.
  explicit SpinTeam(int size);
  ~SpinTeam();
  SpinTeam(const SpinTeam&) = delete;
  SpinTeam& operator=(const SpinTeam&) = delete;

  int size() const { return size_; }
  /// Runs work(rank) on every thread, rank 0 on the caller's; `work` must not throw.
  /// @return ns from the beginning of the first one to the end of the last one.
  int64_t run_ns(const std::function<void(int rank)>& work);

 private:
  struct Span {
    int64_t begin_ns = 0, end_ns = 0;
  };

  void serve(int rank);
  void work_timed(int rank);
  void stop();

  const int size_;
  const std::function<void(int)>* work_ = nullptr;  ///< written before `turn_`, read after it
  std::atomic<int64_t> turn_{0};                    ///< grows by one a run; negative: end
  std::atomic<int> ready_{0}, done_{0};
  std::vector<Span> spans_;  ///< by rank, written before `done_` grows
  std::vector<std::thread> threads_;
};

}  // namespace crescent
