#include "profiler/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <fstream>

#include "engine/interrupt.h"
#include "engine/system_files.h"
#include "profiler/clock.h"
#include "profiler/spawn.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the user

namespace crescent {
namespace {

constexpr size_t kOutputKept = size_t{1} << 16;
constexpr int kSliceWithoutWatchMs = 10;  // where the kernel has no pidfd
// Between two looks at the child's memory, and between two when something came from it.
constexpr int64_t kLookNs = 100'000'000, kLookAfterNewsNs = 10'000'000;
/// How far the kernel's count of a process's memory may be behind itself.
constexpr int64_t kMemorySlack = int64_t{4} << 20;
constexpr int64_t kOutOfMemoryBias = 500;  // thousandths of the memory: the child goes first
constexpr int64_t kOutOfMemoryBiasMax = 1000;
/// Whoever left the child's group may keep on writing after its end.
constexpr int kTransfersAtTheEnd = 64;

[[noreturn]] void cannot_start(const std::string& program, int error) {
  if (error == ENOENT && program.find('/') == program.npos)
    fail("'{}' can't be started: there is no such program in PATH", program);
  fail("'{}' can't be started: {}", program, std::strerror(error));
}

void check_text(const std::string& text, std::string_view what) {
  if (text.find('\0') != text.npos)
    fail("{}: expected a text without zero bytes, got one at byte {}", what, text.find('\0') + 1);
}

void check(const ChildOptions& options) {
  if (options.command.empty() || options.command[0].empty())
    fail("expected a command of at least a program's name, got none");
  for (const std::string& argument : options.command)
    check_text(argument, fmt::format("the command of '{}'", options.command[0]));
  for (const auto& [name, value] : options.environment) {
    if (name.empty() || name.find('=') != name.npos)
      fail("environment: expected names without '=', got '{}'", name);
    check_text(name, "environment");
    check_text(value, fmt::format("environment: {}", name));
  }
}

std::vector<std::string> environment_of(const ChildOptions& options) {
  std::vector<std::string> entries = {fmt::format("{}={}", kChannelVariable, kChannelDescriptor)};
  for (const auto& [name, value] : options.environment)
    if (name != kChannelVariable) entries.push_back(fmt::format("{}={}", name, value));
  const size_t ours = entries.size();
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name_and_sign = text.substr(0, text.find('=') + 1);
    if (std::none_of(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(ours),
                     [&](const std::string& own) { return own.starts_with(name_and_sign); }))
      entries.emplace_back(text);
  }
  return entries;
}

struct Ends {
  Descriptor ours, childs;
};

/// The child's end is moved above what it gets in the child, so that no step there overwrites
/// another's source.
Ends ends_of(const std::array<int, 2>& fds) {
  Ends ends{Descriptor(fds[0]), Descriptor()};
  const Descriptor low(fds[1]);
  ends.childs = Descriptor(::fcntl(low.get(), F_DUPFD_CLOEXEC, kChannelDescriptor + 1));
  return ends;
}

/// Makes it likelier that the kernel ends this process than any other of the machine's. Where that
/// isn't allowed, nothing is lost.
void prefer_for_out_of_memory(pid_t pid) {
  const int64_t own = SystemFiles("/").integer("proc/self/oom_score_adj").value_or(0);
  std::ofstream(fmt::format("/proc/{}/oom_score_adj", pid))
      << std::min(own + kOutOfMemoryBias, kOutOfMemoryBiasMax);
}

std::optional<int64_t> bytes_peak_of(const std::string& process) {
  const auto status = SystemFiles("/").text(fmt::format("proc/{}/status", process));
  return status ? field_kb_as_bytes(*status, "VmHWM") : std::nullopt;
}

int64_t kills_so_far() { return out_of_memory_kills(SystemFiles("/")).value_or(0); }

}  // namespace

ChildProcess::ChildProcess(const ChildOptions& options)
    : pass_on_(options.pass_on), patience_ms_(options.patience_ms), stream_(Descriptor()) {
  check(options);
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) cannot_start(options.command[0], errno);
  Ends output = ends_of(fds);
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0)
    cannot_start(options.command[0], errno);
  Ends channel = ends_of(fds);
  if (!output.childs || !channel.childs) cannot_start(options.command[0], EMFILE);
  ::fcntl(output.ours.get(), F_SETFL, O_NONBLOCK);
  output_pipe_ = std::move(output.ours);
  stream_ = MessageStream(std::move(channel.ours));
  out_of_memory_kills_before_ = kills_so_far();
  own_bytes_peak_ = bytes_peak_of("self").value_or(0);
  const int error = spawn({options.command,
                           environment_of(options),
                           output.childs.get(),
                           {channel.childs.get(), kChannelDescriptor}},
                          pid_);
  if (error != 0) cannot_start(options.command[0], error);
  output.childs.reset();
  channel.childs.reset();
  end_watch_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  looked_ns_ = SteadyClock().now_ns();
  prefer_for_out_of_memory(pid_);
}

ChildProcess::~ChildProcess() {
  if (end_) return;
  try {
    kill();
  } catch (const std::exception&) {  // no memory for the output that comes with the end
    ::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

const std::optional<ChildEnd>& ChildProcess::ended() {
  if (!end_) turn(0);
  return end_;
}

bool ChildProcess::send(std::string_view message) {
  if (ended()) return false;
  stream_.queue(message);
  while (!end_ && stream_.has_queued()) {
    check_interrupt();
    turn(kWaitSliceMs);
  }
  return !stream_.is_lost();
}

Received ChildProcess::receive(std::optional<double> timeout_s) {
  constexpr double kForEverS = 1e9;
  const auto timeout_ns = static_cast<int64_t>(std::min(timeout_s.value_or(0), kForEverS) * 1e9);
  const int64_t deadline_ns = SteadyClock().now_ns() + timeout_ns;
  for (bool is_last = false;;) {
    if (auto message = stream_.next()) return {Received::What::message, std::move(*message)};
    if (end_) return {Received::What::ended};
    if (is_last) return {Received::What::timed_out};
    check_interrupt();
    int wait_ms = kWaitSliceMs;
    if (timeout_s) {
      const int64_t left_ns = deadline_ns - SteadyClock().now_ns();
      is_last = left_ns <= 0;
      // Rounded up: what is left of a millisecond is waited for, too, not asked for in a loop.
      wait_ms =
          static_cast<int>(std::clamp<int64_t>((left_ns + 999'999) / 1'000'000, 0, kWaitSliceMs));
    }
    turn(wait_ms);
  }
}

std::string ChildProcess::output(int64_t lines) {
  if (!end_) turn(0);
  std::string_view text = output_;
  if (text.size() > kOutputKept) text.remove_prefix(text.size() - kOutputKept);
  if (text.ends_with('\n')) text.remove_suffix(1);
  size_t newline = text.size();
  for (int64_t line = 0; line < lines; ++line) {
    if (newline > 0) newline = text.rfind('\n', newline - 1);
    else newline = text.npos;
    if (newline == text.npos) return std::string(text);
  }
  return std::string(lines > 0 ? text.substr(newline + 1) : "");
}

void ChildProcess::kill() {
  if (ended()) return;
  by_parent_ = true;
  ::kill(-pid_, SIGTERM);
  const int64_t deadline_ns = SteadyClock().now_ns() + patience_ms_ * 1'000'000;
  while (!end_ && SteadyClock().now_ns() < deadline_ns) turn(kSliceWithoutWatchMs);
  if (!end_) ::kill(-pid_, SIGKILL);
  while (!end_) turn(kWaitSliceMs);
}

/// Waits until something happens or the time is over, and takes in what has happened.
void ChildProcess::turn(int wait_ms) {
  if (!end_watch_) wait_ms = std::min(wait_ms, kSliceWithoutWatchMs);
  std::array<pollfd, 3> ready = {{
      {.fd = stream_.fd(), .events = stream_.events(), .revents = 0},
      {.fd = output_pipe_.get(), .events = POLLIN, .revents = 0},
      {.fd = end_watch_.get(), .events = POLLIN, .revents = 0},
  }};
  ::poll(ready.data(), ready.size(), wait_ms);
  const bool has_news = stream_.transfer();
  look_at_memory(has_news || ready[1].revents != 0);
  read_output();
  if (has_ended()) take_end();
}

/// Closes the pipe at its end. At most a pipe's worth: a child that writes without end must not
/// hold up its messages.
void ChildProcess::read_output() {
  std::array<char, kOutputKept> piece;
  while (output_pipe_) {
    const ssize_t bytes = ::read(output_pipe_.get(), piece.data(), piece.size());
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0 && errno == EAGAIN) return;
    if (bytes <= 0) return output_pipe_.reset();
    const std::string_view text(piece.data(), static_cast<size_t>(bytes));
    for (size_t written = 0; pass_on_ && written < text.size();) {
      const ssize_t more = ::write(STDERR_FILENO, text.data() + written, text.size() - written);
      if (more < 0 && errno != EINTR) break;
      written += more < 0 ? 0 : static_cast<size_t>(more);
    }
    output_ += text;
    if (output_.size() > 2 * kOutputKept) output_.erase(0, output_.size() - kOutputKept);
    return;
  }
}

void ChildProcess::look_at_memory(bool has_news) {
  const int64_t now_ns = SteadyClock().now_ns();
  if (now_ns - looked_ns_ < (has_news ? kLookAfterNewsNs : kLookNs)) return;
  looked_ns_ = now_ns;
  if (const auto bytes = bytes_peak_of(std::to_string(pid_)))
    seen_bytes_peak_ = std::max(seen_bytes_peak_.value_or(0), *bytes);
}

bool ChildProcess::has_ended() const {
  siginfo_t info{};
  const int result = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  return result == 0 ? info.si_pid == pid_ : errno == ECHILD;
}

/// The child has ended and nobody waited for it yet, so that its number is still its group's.
void ChildProcess::take_end() {
  ::kill(-pid_, SIGKILL);
  for (int i = 0; i < kTransfersAtTheEnd && stream_.transfer(); ++i) continue;
  for (int i = 0; i < kTransfersAtTheEnd && output_pipe_; ++i) {
    pollfd ready{.fd = output_pipe_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, 0) <= 0) break;
    read_output();
  }
  stream_.close();
  output_pipe_.reset();
  end_watch_.reset();
  int status = 0;
  rusage usage{};
  pid_t waited;
  while ((waited = ::wait4(pid_, &status, 0, &usage)) < 0 && errno == EINTR) continue;
  end_ = waited == pid_ ? child_end_of(status) : ChildEnd{};
  end_->by_parent = by_parent_;
  if (end_->signal == "SIGKILL")
    end_->out_of_memory_kills = std::max<int64_t>(0, kills_so_far() - out_of_memory_kills_before_);
  end_->memory_bytes_peak = memory_bytes_peak(int64_t{usage.ru_maxrss} * 1024);
}

/// The kernel starts a child's peak with that of the process that started it: until the child runs
/// its own program it has this one's memory. A peak that is no higher says nothing, and what was
/// seen from time to time stands for it.
std::optional<int64_t> ChildProcess::memory_bytes_peak(int64_t counted_bytes) const {
  if (counted_bytes > own_bytes_peak_ + kMemorySlack) return counted_bytes;
  return seen_bytes_peak_;
}

}  // namespace crescent
