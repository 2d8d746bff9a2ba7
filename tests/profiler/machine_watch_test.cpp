#include "profiler/machine_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "tests/profiler/fake_system.h"

namespace crescent {
namespace {

using Warnings = std::vector<std::string>;

TEST(TimingWarnings, NameABusyMachineAndAScalingGovernor) {
  FakeSystem system;
  system.file("proc/loadavg", "5.31 1 1 1/1 1\n").file("sys/devices/system/cpu/online", "0-3\n");
  system.file("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  const Warnings warnings = timing_warnings(system.root());
  ASSERT_GE(warnings.size(), 2u);
  EXPECT_EQ(warnings[0], "the machine is busy: a load of 5.3 on 4 cores");
  EXPECT_EQ(warnings[1],
            "the frequency governor is 'powersave': times vary more than under 'performance' "
            "(cpupower frequency-set -g performance)");
}

TEST(TimingWarnings, SayNothingOfAQuietMachineOrOfWhatCannotBeRead) {
  const auto about_the_machine = [](const Warnings& warnings) {
    return std::count_if(warnings.begin(), warnings.end(), [](const std::string& warning) {
      return !warning.starts_with("another crescent");
    });
  };
  FakeSystem system;
  EXPECT_EQ(about_the_machine(timing_warnings(system.root())), 0);
  system.file("proc/loadavg", "3.9 9 9 1/1 1\n").file("sys/devices/system/cpu/online", "0-3\n");
  system.file("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
  EXPECT_EQ(about_the_machine(timing_warnings(system.root())), 0);
}

TEST(CpuTimes, SumWhatAllProcessesUsed) {
  FakeSystem system;
  EXPECT_FALSE(cpu_times(SystemFiles(system.root())));
  system.file("proc/stat", "cpu  100 20 30 5000 600 7 3 40 0 0\ncpu0 9 9 9 9 9 9 9 9 0 0\n");
  const auto times = cpu_times(SystemFiles(system.root()));
  ASSERT_TRUE(times);
  const double tick_s = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  EXPECT_DOUBLE_EQ(times->busy_s, 160 * tick_s);
  EXPECT_DOUBLE_EQ(times->stolen_s, 40 * tick_s);
}

TEST(CpuUse, OfOthersAndOfTheHypervisorIsWarnedOf) {
  EXPECT_EQ(warnings_of({.elapsed_s = 10, .all = {18, 0}, .own_s = 10, .cores = 2}),
            Warnings{"other processes used 0.8 of 2 cores meanwhile"});
  EXPECT_EQ(warnings_of({.elapsed_s = 10, .all = {10, 1}, .own_s = 10, .cores = 2}),
            Warnings{"the hypervisor withheld 5 % of the CPU time meanwhile"});
  EXPECT_EQ(warnings_of({.elapsed_s = 10, .all = {10.5, 0.1}, .own_s = 10, .cores = 2}),
            Warnings{});
  EXPECT_EQ(warnings_of({.elapsed_s = 0.1, .all = {0.2, 0.1}, .own_s = 0, .cores = 2}), Warnings{})
      << "too short for the kernel's ticks";
}

/// Another process that holds the lock from construction to destruction.
class OtherProcess {
 public:
  OtherProcess() {
    int ready[2], end[2];
    if (pipe(ready) != 0 || pipe(end) != 0) throw std::runtime_error("no pipe");
    child_ = fork();
    if (child_ == 0) {
      close(end[1]);
      char byte = 0;
      const TimingLock lock;
      if (write(ready[1], &byte, 1) != 1) _exit(1);
      if (read(end[0], &byte, 1) != 0) _exit(1);  // until the other end is closed
      _exit(0);
    }
    close(ready[1]), close(end[0]);
    char byte;
    if (read(ready[0], &byte, 1) != 1) throw std::runtime_error("the child failed");
    close(ready[0]);
    end_ = end[1];
  }
  ~OtherProcess() {
    close(end_);
    waitpid(child_, nullptr, 0);
  }

 private:
  pid_t child_ = -1;
  int end_ = -1;
};

/// With a folder of its own for the lock, whatever else runs on this machine.
class TimingLockTest : public testing::Test {
 protected:
  void SetUp() override { setenv("XDG_RUNTIME_DIR", system_.root().c_str(), 1); }
  void TearDown() override { unsetenv("XDG_RUNTIME_DIR"); }
  FakeSystem system_;
};

TEST_F(TimingLockTest, IsAloneWithoutAnotherProcessHoweverOftenThisOneHoldsIt) {
  const TimingLock first, second;
  EXPECT_TRUE(first.alone());
  EXPECT_TRUE(second.alone());
}

TEST_F(TimingLockTest, SeesAnotherProcessThatBeganBefore) {
  const OtherProcess other;
  EXPECT_FALSE(TimingLock().alone());
  const Warnings warnings = timing_warnings(system_.root());
  EXPECT_EQ(warnings, Warnings{"another crescent process times something on this machine: wait for "
                               "it, or expect wide intervals"});
}

TEST_F(TimingLockTest, SeesAnotherProcessThatBeginsLaterAndRemembersIt) {
  const TimingLock lock;
  EXPECT_TRUE(lock.alone());
  {
    // The other one must not inherit this one's open file, so it starts from a clean slate.
    const int fd = open((system_.root() + "/crescent-timing.lock").c_str(), O_RDONLY);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(flock(fd, LOCK_SH | LOCK_NB), 0) << "held shared, so that others can join";
    EXPECT_FALSE(lock.alone());
    close(fd);
  }
  EXPECT_FALSE(lock.alone());
}

TEST_F(TimingLockTest, IsAloneAgainWhenTheOtherOneHasEnded) {
  { const OtherProcess other; }
  EXPECT_TRUE(TimingLock().alone());
}

TEST_F(TimingLockTest, NeitherFailsNorBlocksWithoutAPlaceForIt) {
  setenv("XDG_RUNTIME_DIR", "/nonexistent/folder", 1);
  EXPECT_TRUE(TimingLock().alone());
}

TEST(MachineWatch, CountsWhatHappenedSinceItBegan) {
  FakeSystem system;
  system.file("sys/devices/system/cpu/online", "0-1\n");
  system.file("proc/stat", "cpu  1000000 0 0 0 0 0 0 0 0 0\n");
  const MachineWatch watch(system.root());
  usleep(250'000);
  const auto of_others = [&] {
    const Warnings warnings = watch.warnings();
    return std::count_if(warnings.begin(), warnings.end(), [](const std::string& warning) {
      return warning.starts_with("other processes used ");
    });
  };
  EXPECT_EQ(of_others(), 0) << "what was before doesn't count";
  system.file("proc/stat", "cpu  1000100 0 0 0 0 0 0 0 0 0\n");
  EXPECT_EQ(of_others(), 1);
}

}  // namespace
}  // namespace crescent
