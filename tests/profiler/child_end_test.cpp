#include "profiler/child_end.h"

#include <gtest/gtest.h>

#include "engine/system_files.h"
#include "tests/profiler/fake_system.h"

namespace crescent {
namespace {

TEST(ChildEnd, SaysInWordsHowItCame) {
  // wait(2): the code is in the second byte, the signal in the first, with 128 for a core.
  EXPECT_EQ(child_end_of(3 << 8).reason(), "exited with 3");
  EXPECT_EQ(child_end_of(0).reason(), "exited with 0");
  EXPECT_EQ(child_end_of(11).reason(), "killed by SIGSEGV");
  EXPECT_EQ(child_end_of(11 + 128).reason(), "killed by SIGSEGV, core dumped");
  EXPECT_EQ(child_end_of(40).reason(), "killed by signal 40");
  EXPECT_EQ(ChildEnd{}.reason(), "ended, and how is not known: SIGCHLD is ignored in this process");
  ChildEnd ours = child_end_of(15);
  ours.by_parent = true;
  EXPECT_EQ(ours.reason(), "ended by this process with SIGTERM");
}

TEST(ChildEnd, NamesTheOutOfMemoryKillerOnlyIfTheKernelCountedOne) {
  ChildEnd end = child_end_of(9);
  EXPECT_EQ(end.reason(), "killed by SIGKILL");
  EXPECT_FALSE(end.out_of_memory());
  end.out_of_memory_kills = 1;
  EXPECT_EQ(end.reason(),
            "killed by SIGKILL, which the kernel's out-of-memory killer sends: it killed 1 process "
            "meanwhile");
  EXPECT_TRUE(end.out_of_memory());
  end.out_of_memory_kills = 2;
  EXPECT_EQ(end.reason(),
            "killed by SIGKILL, which the kernel's out-of-memory killer sends: it killed 2 "
            "processes meanwhile");
  end.by_parent = true;
  EXPECT_FALSE(end.out_of_memory());
  ChildEnd crash = child_end_of(11);
  crash.out_of_memory_kills = 1;
  EXPECT_FALSE(crash.out_of_memory());
}

TEST(OutOfMemoryKills, AreThoseOfTheOwnGroup) {
  FakeSystem system;
  const SystemFiles files(system.root());
  EXPECT_EQ(out_of_memory_kills(files), std::nullopt);
  system.file("proc/vmstat", "pgfault 7\noom_kill 9\n");
  EXPECT_EQ(out_of_memory_kills(files), 9) << "no group counts: the machine does";
  system.file("proc/self/cgroup", "0::/user/run\n")
      .file("sys/fs/cgroup/user/memory.events", "low 0\noom 5\noom_kill 4\n");
  EXPECT_EQ(out_of_memory_kills(files), 4) << "the nearest group above that counts";
  system.file("sys/fs/cgroup/user/run/memory.events", "oom 5\noom_kill 2\noom_group_kill 1\n");
  EXPECT_EQ(out_of_memory_kills(files), 2);
}

TEST(OutOfMemoryKills, AreFoundInVersion1Too) {
  FakeSystem system;
  system.file("proc/self/cgroup", "5:cpu:/a\n4:memory:/a\n0::/\n")
      .file("sys/fs/cgroup/memory/a/memory.oom_control",
            "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
  EXPECT_EQ(out_of_memory_kills(SystemFiles(system.root())), 3);
}

}  // namespace
}  // namespace crescent
