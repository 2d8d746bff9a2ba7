#include "profiler/store/owner.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/support.h"

namespace crescent {
namespace {

TEST(ProcessIdentity, OfThisProcessHasNotEnded) {
  const ProcessIdentity self = this_process();
  EXPECT_EQ(self.pid, ::getpid());
  EXPECT_GT(self.started_ticks, 0);
  EXPECT_EQ(self, this_process());
  EXPECT_FALSE(has_ended(self));
}

TEST(ProcessIdentity, IsNotThatOfALaterProcessWithItsNumber) {
  ProcessIdentity before = this_process();
  before.started_ticks -= 1;
  EXPECT_TRUE(has_ended(before));
}

TEST(ProcessIdentity, HasEndedWhenTheMachineWasBootedSince) {
  ProcessIdentity before = this_process();
  before.boot = "another boot";
  EXPECT_TRUE(has_ended(before));
}

TEST(ProcessIdentity, OfAnotherContainerCantBeJudged) {
  ProcessIdentity other = this_process();
  other.started_ticks = 1;
  other.pid_namespace = "pid:[1]";
  EXPECT_FALSE(has_ended(other));
}

TEST(ProcessIdentity, EndsWithTheProcessAlsoBeforeAnybodyWaits) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const ProcessIdentity self = this_process();
    const auto written = ::write(ends[1], &self.started_ticks, sizeof self.started_ticks);
    ::pause();
    ::_exit(written != sizeof self.started_ticks);
  }
  ProcessIdentity identity = this_process();
  identity.pid = child;
  ASSERT_EQ(::read(ends[0], &identity.started_ticks, sizeof identity.started_ticks),
            static_cast<ssize_t>(sizeof identity.started_ticks));
  EXPECT_FALSE(has_ended(identity));
  ::kill(child, SIGKILL);
  siginfo_t info;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_TRUE(has_ended(identity));  // a zombie
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(has_ended(identity));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(ProcessIdentity, ReadsNamesWithParentheses) {
  const TemporaryFolder root;
  const auto make = [&](const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root.path() / path).parent_path());
    root.write(path, text);
  };
  make("proc/sys/kernel/random/boot_id", "boot\n");
  make("proc/7/stat", "7 (a) b (c)) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4321 0 0\n");
  const ProcessIdentity process{.pid = 7, .started_ticks = 4321, .boot = "boot"};
  EXPECT_FALSE(has_ended(process, root.path()));
  EXPECT_TRUE(has_ended({.pid = 7, .started_ticks = 4322, .boot = "boot"}, root.path()));
  EXPECT_TRUE(has_ended({.pid = 8, .started_ticks = 4321, .boot = "boot"}, root.path()));
  EXPECT_FALSE(has_ended({.pid = 7, .started_ticks = 1}, root.path()));  // nobody knows
}

}  // namespace
}  // namespace crescent
