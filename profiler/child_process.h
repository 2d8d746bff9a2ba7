#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "profiler/channel.h"
#include "profiler/child_end.h"
#include "profiler/descriptor.h"

namespace crescent {

struct ChildOptions {
  /// The program, looked for in PATH if it has no slash, and its arguments.
  std::vector<std::string> command;
  std::vector<std::pair<std::string, std::string>> environment;  ///< beside this process's own
  bool pass_on = false;       ///< what the child writes goes to our standard error, too
  int64_t patience_ms = 500;  ///< between SIGTERM and SIGKILL
};

struct Received {
  enum class What { message, ended, timed_out };
  What what;
  std::string message = {};
};

/// A process that this one started (posix_spawn: a process with LibTorch in it must not fork), to
/// talk with through messages.
///
/// It has a process group of its own, so that a Ctrl-C at the terminal reaches this process alone,
/// and ends with the object: whatever it has started and left in its group ends with it. It reads
/// nothing from a terminal, has no other open file of ours, and is the first that the kernel ends
/// when memory runs out. Its output is read while this process waits in `send`, `receive` or
/// `kill`; a child that writes more than a pipe holds (64 KiB) stops until then. For use by the
/// thread that made it: the child of a thread that ends may end with it.
class ChildProcess {
 public:
  /// Returns when the program runs. Cost: a millisecond, however much memory this process has.
  /// @throws Error "'prog' can't be started: ..."
  explicit ChildProcess(const ChildOptions& options);
  ~ChildProcess();  ///< as `kill`
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  /// Nothing while it runs. Messages that it sent before may still wait in `receive`.
  const std::optional<ChildEnd>& ended();

  /// Waits until the child has room for all of it, and takes in what the child sends meanwhile.
  /// False if the child has ended or closed its end.
  /// @throws Interrupted; the message goes out whole with the next wait. Error beyond 1 GiB.
  bool send(std::string_view message);
  /// Waits for a message, or for the end behind the last one; for ever without a timeout.
  /// @throws Interrupted, and Error if what the child wrote into the channel is no message.
  Received receive(std::optional<double> timeout_s = {});
  /// The last lines of what it wrote to standard output and standard error, at most 64 KiB,
  /// without the newline at the end.
  std::string output(int64_t lines);
  /// Ends the group: SIGTERM, and SIGKILL if that was not enough. Returns when the child is gone.
  void kill();

 private:
  void turn(int wait_ms);
  void read_output();
  void look_at_memory(bool has_news);
  bool has_ended() const;
  void take_end();
  std::optional<int64_t> memory_bytes_peak(int64_t counted_bytes) const;

  const bool pass_on_;
  const int64_t patience_ms_;
  pid_t pid_ = 0;
  Descriptor end_watch_, output_pipe_;
  MessageStream stream_;
  std::string output_;
  std::optional<ChildEnd> end_;
  bool by_parent_ = false;
  int64_t out_of_memory_kills_before_ = 0;
  int64_t own_bytes_peak_ = 0;  ///< of this process, when the child began
  int64_t looked_ns_ = 0;
  std::optional<int64_t> seen_bytes_peak_;
};

}  // namespace crescent
