#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

namespace crescent {

/// How a program is started: by posix_spawn, since a process with LibTorch in it must not fork.
struct Spawn {
  std::vector<std::string> command;      ///< the program, looked for in PATH, and its arguments
  std::vector<std::string> environment;  ///< NAME=value, all of it
  int output;                            ///< becomes its standard output and standard error
  /// Becomes its descriptor of that number, above which it has none of ours. Without one, what is
  /// not closed on exec stays open.
  struct Channel {
    int source = -1, number = -1;
  } channel = {};
};

/// Starts it in a process group of its own, with nothing to read on standard input and the signals
/// as a program expects to find them.
/// @return 0, or the error's number; `pid` is set only if it runs.
int spawn(Spawn job, pid_t& pid);

}  // namespace crescent
