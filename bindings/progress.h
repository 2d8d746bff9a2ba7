#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace crescent {

/// 'ablation 12 of 36, 14 s left' on a terminal's standard error, from a second on; nothing
/// elsewhere. The line is wiped when it ends.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void report(int64_t done, int64_t total);

 private:
  using Time = std::chrono::steady_clock::time_point;
  const std::string what_;
  const Time began_;
  Time shown_;
  const bool is_terminal_;
  bool has_shown_ = false;
};

/// 'ablation 12 of 36, 28 s left'; what is left is taken to go as fast as what is done.
struct Advance {
  int64_t done = 0, total = 0;
  double spent_s = 0;
};
std::string progress_line(const std::string& what, const Advance& advance);

/// '14 s', '3 min', '2.5 h'.
std::string readable_seconds(double seconds);

}  // namespace crescent
