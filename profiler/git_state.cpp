#include "profiler/git_state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "profiler/clock.h"
#include "profiler/descriptor.h"
#include "profiler/spawn.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the user

namespace crescent {
namespace {

/// This process's environment, less what would make git look at another repository than the
/// folder's own (set while a hook runs), with its messages in English.
std::vector<std::string> environment_for_git() {
  constexpr std::string_view kLeftOut[] = {
      "GIT_DIR=",    "GIT_WORK_TREE=",        "GIT_INDEX_FILE=", "GIT_COMMON_DIR=",
      "GIT_PREFIX=", "GIT_OBJECT_DIRECTORY=", "LC_ALL=",         "GIT_OPTIONAL_LOCKS="};
  std::vector<std::string> kept = {"LC_ALL=C", "GIT_OPTIONAL_LOCKS=0"};
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text = *entry;
    if (std::none_of(std::begin(kLeftOut), std::end(kLeftOut),
                     [&](std::string_view name) { return text.starts_with(name); }))
      kept.emplace_back(text);
  }
  return kept;
}

/// A process whose output is read up to a deadline; it and all that it started end with the object.
class Child {
 public:
  /// Sets `error` and starts nothing if it can't be started.
  Child(std::vector<std::string> command, int& error) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      error = errno;
      return;
    }
    output_ = Descriptor(ends[0]);
    const Descriptor childs(ends[1]);
    error = spawn({std::move(command), environment_for_git(), childs.get()}, pid_);
  }
  ~Child() {
    output_.reset();
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Hands every piece of output to `take`; false if the deadline comes first.
  template <class Take>
  bool read(int64_t deadline_ns, Take take) {
    std::array<char, 16384> piece;
    for (;;) {
      const int64_t left_ms = (deadline_ns - SteadyClock().now_ns()) / 1'000'000;
      if (left_ms <= 0) return false;
      pollfd ready{.fd = output_.get(), .events = POLLIN, .revents = 0};
      if (::poll(&ready, 1, static_cast<int>(std::min<int64_t>(left_ms, 1000))) <= 0) continue;
      const ssize_t bytes = ::read(output_.get(), piece.data(), piece.size());
      if (bytes < 0 && errno == EINTR) continue;
      if (bytes <= 0) return true;
      take(std::string_view(piece.data(), static_cast<size_t>(bytes)));
    }
  }

  /// Its exit status; nothing if it still runs at the deadline or was ended by a signal.
  std::optional<int> status(int64_t deadline_ns) {
    for (;;) {
      int status = 0;
      const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
      if (ended == pid_) {
        pid_ = 0;
        return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
      }
      if (SteadyClock().now_ns() >= deadline_ns) return std::nullopt;
      ::usleep(1000);
    }
  }

 private:
  Descriptor output_;
  pid_t pid_ = 0;
};

/// Reads `git status --porcelain=v2 --branch`, line by line as it comes.
class StatusReader {
 public:
  void take(std::string_view piece) {
    rest_ += piece;
    size_t begin = 0;
    for (size_t end; (end = rest_.find('\n', begin)) != rest_.npos; begin = end + 1)
      take_line(std::string_view(rest_).substr(begin, end - begin));
    rest_.erase(0, begin);
  }
  /// A last line may lack its newline.
  void finish() { take_line(std::exchange(rest_, {})); }

  GitState state;
  std::string complaint;  ///< the first line that is no part of a status

 private:
  void take_line(std::string_view line) {
    constexpr std::string_view kCommit = "# branch.oid ", kBranch = "# branch.head ";
    if (line.starts_with(kCommit)) {
      line.remove_prefix(kCommit.size());
      if (line != "(initial)") state.commit = line;
    } else if (line.starts_with(kBranch)) {
      line.remove_prefix(kBranch.size());
      if (line != "(detached)") state.branch = line;
    } else if (line.starts_with("1 ") || line.starts_with("2 ") || line.starts_with("u ")) {
      ++state.changed;
    } else if (line.starts_with("? ")) {
      ++state.untracked;
    } else if (!line.starts_with("# ") && !line.empty() && complaint.empty()) {
      complaint = line;
    }
  }

  std::string rest_;
};

GitState absent(std::string reason) {
  GitState state;
  state.absent = std::move(reason);
  return state;
}

}  // namespace

GitState git_state(const std::filesystem::path& folder, const GitOptions& options) {
  const int64_t deadline_ns = SteadyClock().now_ns() + options.timeout_ms * 1'000'000;
  int error = 0;
  Child git({options.program, "-C", folder.empty() ? "." : folder.string(), "-c",
             "core.fsmonitor=false", "status", "--porcelain=v2", "--branch"},
            error);
  if (error == ENOENT) return absent(fmt::format("no program '{}' in PATH", options.program));
  if (error != 0)
    return absent(fmt::format("'{}' can't be started: {}", options.program, std::strerror(error)));
  StatusReader reader;
  const bool complete = git.read(deadline_ns, [&](std::string_view piece) { reader.take(piece); });
  reader.finish();
  const auto status = complete ? git.status(deadline_ns) : std::nullopt;
  if (status == 0) return std::move(reader.state);
  if (reader.complaint.find("not a git repository") != std::string::npos)
    return absent("the script's folder is in no git repository");
  if (!status)
    return absent(fmt::format("'{} status' took longer than {} ms or was killed", options.program,
                              options.timeout_ms));
  return absent(fmt::format("'{} status' failed with {}: {}", options.program, *status,
                            reader.complaint.empty() ? "it said nothing" : reader.complaint));
}

}  // namespace crescent
