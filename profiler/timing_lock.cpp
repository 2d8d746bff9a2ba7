#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <string>

#include "profiler/machine.h"

namespace crescent {
namespace {

/// All locks of this process share one open file: flock would take two for strangers.
struct Shared {
  std::mutex mutex;
  int holders = 0;
  int fd = -1;
  bool alone = true;
};

Shared& shared() {
  static Shared instance;
  return instance;
}

/// Never follows a link and never writes: /tmp belongs to everybody. Readable by all, so that
/// processes of other users, which may only read it, still can lock it.
int open_lock_file() {
  const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
  const std::string path =
      std::string(runtime && *runtime ? runtime : "/tmp") + "/crescent-timing.lock";
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  int fd = open(path.c_str(), kFlags);
  if (fd < 0) fd = open(path.c_str(), kFlags | O_CREAT | O_EXCL, 0444);
  if (fd < 0) fd = open(path.c_str(), kFlags);  // another process made it just now
  return fd;
}

/// Everybody who times holds the lock shared; whoever gets it exclusively was alone. Then it is
/// shared again, so that the next one can tell that somebody times, and so on.
bool nobody_else_holds(int fd) {
  const bool alone = flock(fd, LOCK_EX | LOCK_NB) == 0;
  // Changing a lock lets go of the old one first, so this can fail while another process asks the
  // same question. It is over in microseconds.
  for (int i = 0; i < 100 && flock(fd, LOCK_SH | LOCK_NB) != 0; ++i) usleep(100);
  return alone;
}

}  // namespace

TimingLock::TimingLock() {
  Shared& state = shared();
  const std::lock_guard guard(state.mutex);
  if (state.holders++ > 0) return;
  state.fd = open_lock_file();
  state.alone = state.fd < 0 || nobody_else_holds(state.fd);
}

TimingLock::~TimingLock() {
  Shared& state = shared();
  const std::lock_guard guard(state.mutex);
  if (--state.holders > 0) return;
  if (state.fd >= 0) close(state.fd);  // and with it the lock
  state.fd = -1;
}

bool TimingLock::alone() const {
  Shared& state = shared();
  const std::lock_guard guard(state.mutex);
  if (state.alone && state.fd >= 0) state.alone = nobody_else_holds(state.fd);
  return state.alone;
}

}  // namespace crescent
