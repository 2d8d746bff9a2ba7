#include "bindings/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace crescent {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kQuiet = std::chrono::seconds(1);
constexpr auto kBetween = std::chrono::milliseconds(200);

}  // namespace

Progress::Progress(std::string what)
    : what_(std::move(what)),
      began_(Clock::now()),
      shown_(began_),
      is_terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (has_shown_) std::fputs("\r\x1b[K", stderr);
}

void Progress::report(int64_t done, int64_t total) {
  if (!is_terminal_ || done < 1) return;
  const Time now = Clock::now();
  if (now - began_ < kQuiet || now - shown_ < kBetween) return;
  shown_ = now;
  has_shown_ = true;
  const double spent = std::chrono::duration<double>(now - began_).count();
  fmt::print(stderr, "\r{}\x1b[K", progress_line(what_, {done, total, spent}));
  std::fflush(stderr);
}

std::string progress_line(const std::string& what, const Advance& advance) {
  const auto [done, total, spent_s] = advance;
  const double left_s = spent_s / static_cast<double>(done) * static_cast<double>(total - done);
  return fmt::format("{} {} of {}, {} left", what, done, total, readable_seconds(left_s));
}

std::string readable_seconds(double seconds) {
  if (seconds < 100) return fmt::format("{:.0f} s", seconds);
  if (seconds < 6000) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

}  // namespace crescent
