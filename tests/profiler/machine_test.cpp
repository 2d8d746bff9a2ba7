#include "profiler/machine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "engine/error.h"
#include "tests/profiler/fake_system.h"

namespace crescent {
namespace {

template <class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string reason_of(const Machine& machine, const std::string& name) {
  for (const auto& [absent, reason] : machine.absent)
    if (absent == name) return reason;
  return "";
}

TEST(UsableCores, AreThoseOfTheAffinity) {
  FakeSystem system;
  EXPECT_EQ(usable_cores(system.cores_allowed("0-3,8,10-11").root()), 7);
  EXPECT_EQ(usable_cores(system.cores_allowed("5").root()), 1);
}

TEST(UsableCores, AreLimitedByTheQuotaOfACgroupOfVersion2OrOneAboveIt) {
  FakeSystem system;
  system.cores_allowed("0-15").file("proc/self/cgroup", "0::/a.slice/b.scope\n");
  system.file("sys/fs/cgroup/a.slice/b.scope/cpu.max", "max 100000\n");
  EXPECT_EQ(usable_cores(system.root()), 16);
  system.file("sys/fs/cgroup/a.slice/cpu.max", "350000 100000\n");
  EXPECT_EQ(usable_cores(system.root()), 4) << "rounded up";
  system.file("sys/fs/cgroup/a.slice/b.scope/cpu.max", "20000 100000\n");
  EXPECT_EQ(usable_cores(system.root()), 1) << "never none";
}

TEST(UsableCores, AreLimitedByTheQuotaAtTheMountPointOfAContainer) {
  FakeSystem system;
  system.cores_allowed("0-15").file("proc/self/cgroup", "0::/only/seen/outside\n");
  system.file("sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(usable_cores(system.root()), 2);
}

TEST(UsableCores, AreLimitedByTheQuotaOfACgroupOfVersion1) {
  FakeSystem system;
  system.cores_allowed("0-7").file("proc/self/cgroup",
                                   "9:name=systemd:/\n4:cpu,cpuacct:/docker/x\n3:cpuset:/\n0::/\n");
  const std::string group = "sys/fs/cgroup/cpu,cpuacct/docker/x/";
  system.file(group + "cpu.cfs_quota_us", "-1\n").file(group + "cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(usable_cores(system.root()), 8);
  system.file(group + "cpu.cfs_quota_us", "300000\n");
  EXPECT_EQ(usable_cores(system.root()), 3);
}

TEST(UsableCores, OfThisMachineAreAtLeastOne) {
  EXPECT_GE(usable_cores(), 1);
  FakeSystem empty;
  EXPECT_GE(usable_cores(empty.root()), 1);
}

FakeSystem& fill(FakeSystem& system) {
  const std::string cache = "sys/devices/system/cpu/cpu0/cache/";
  return system.cores_allowed("0-1")
      .memory("24683120", "20000000")
      .file("proc/cpuinfo",
            "processor\t: 0\nmodel\t\t: 1\nmodel name\t: AMD EPYC 7R13\nflags\t: fpu\n")
      .file("proc/loadavg", "0.25 0.10 0.05 1/85 9188\n")
      .file("sys/devices/system/cpu/online", "0-3\n")
      .file("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n")
      .file(cache + "index0/level", "1\n")
      .file(cache + "index0/type", "Data\n")
      .file(cache + "index0/size", "32K\n")
      .file(cache + "index0/shared_cpu_list", "0\n")
      .file(cache + "index1/level", "3\n")
      .file(cache + "index1/type", "Unified\n")
      .file(cache + "index1/size", "32M\n")
      .file(cache + "index1/shared_cpu_list", "0-1,4\n");
}

TEST(MachineFacts, AreReadFromProcAndSys) {
  FakeSystem system;
  const Machine machine = machine_facts(fill(system).root());
  EXPECT_EQ(machine.cpu, "AMD EPYC 7R13");
  EXPECT_EQ(machine.cores, 2);
  EXPECT_EQ(machine.cores_online, 4);
  EXPECT_EQ(machine.memory_bytes, int64_t{24683120} * 1024);
  EXPECT_EQ(machine.governor, "powersave");
  EXPECT_DOUBLE_EQ(machine.load_1min, 0.25);
  ASSERT_EQ(machine.caches.size(), 2u);
  EXPECT_EQ(machine.caches[0].level, 1);
  EXPECT_EQ(machine.caches[0].type, "data");
  EXPECT_EQ(machine.caches[0].bytes, 32 << 10);
  EXPECT_EQ(machine.caches[0].shared_by, 1);
  EXPECT_EQ(machine.caches[1].bytes, 32 << 20);
  EXPECT_EQ(machine.caches[1].shared_by, 3);
  EXPECT_EQ(reason_of(machine, "governor"), "");
}

TEST(MachineFacts, ThatCannotBeReadAreAbsentWithTheReason) {
  FakeSystem empty;
  const Machine machine = machine_facts(empty.root());
  EXPECT_EQ(reason_of(machine, "cpu"), "no 'model name' in /proc/cpuinfo");
  EXPECT_EQ(reason_of(machine, "cores_online"),
            "no list of cores in /sys/devices/system/cpu/online");
  EXPECT_EQ(reason_of(machine, "caches"), "no caches in /sys/devices/system/cpu/cpu0/cache");
  EXPECT_EQ(reason_of(machine, "memory_bytes"), "no 'MemTotal' in /proc/meminfo");
  EXPECT_EQ(reason_of(machine, "governor"),
            "no cpufreq in /sys/devices/system/cpu/cpu0, as in most virtual machines");
  EXPECT_EQ(reason_of(machine, "load_1min"), "no figures in /proc/loadavg");
  EXPECT_FALSE(machine.governor);
}

TEST(MachineFacts, CountAsMemoryWhatTheCgroupAllows) {
  FakeSystem system;
  fill(system).file("proc/self/cgroup", "0::/\n").file("sys/fs/cgroup/memory.max", "1073741824\n");
  EXPECT_EQ(machine_facts(system.root()).memory_bytes, 1 << 30);
}

TEST(MachineFacts, ListInstructionSetsAsTheCompilerSeesThem) {
#ifdef __x86_64__
  const auto names = machine_facts().isa;
  const std::set<std::string> isa(names.begin(), names.end());
  EXPECT_EQ(isa.count("sse2"), 1u);
  EXPECT_EQ(isa.count("avx2"), __builtin_cpu_supports("avx2") ? 1u : 0u);
  EXPECT_EQ(isa.count("fma"), __builtin_cpu_supports("fma") ? 1u : 0u);
  EXPECT_EQ(isa.count("avx512f"), __builtin_cpu_supports("avx512f") ? 1u : 0u);
  EXPECT_EQ(isa.count("avx512bw"), __builtin_cpu_supports("avx512bw") ? 1u : 0u);
  EXPECT_EQ(isa.count("avx512_vnni"), __builtin_cpu_supports("avx512vnni") ? 1u : 0u);
#else
  EXPECT_EQ(reason_of(machine_facts(), "isa"), "only read on x86-64");
#endif
}

TEST(MemoryAvailable, IsWhatTheKernelSaysOrWhatTheCgroupLeaves) {
  FakeSystem system;
  system.memory("16000000", "8000000");
  EXPECT_EQ(memory_available_bytes(system.root()), int64_t{8000000} * 1024);
  system.file("proc/self/cgroup", "0::/x\n");
  system.file("sys/fs/cgroup/x/memory.max", "1000000000\n");
  system.file("sys/fs/cgroup/x/memory.current", "900000000\n");
  EXPECT_EQ(memory_available_bytes(system.root()), 100'000'000);
  system.file("sys/fs/cgroup/x/memory.stat", "anon 5\ninactive_file 300000000\n");
  EXPECT_EQ(memory_available_bytes(system.root()), 400'000'000) << "file pages are given back";
  system.file("sys/fs/cgroup/x/memory.max", "max\n");
  EXPECT_EQ(memory_available_bytes(system.root()), int64_t{8000000} * 1024);
}

TEST(MemoryAvailable, KnowsCgroupsOfVersion1) {
  FakeSystem system;
  system.memory("16000000", "8000000").file("proc/self/cgroup", "4:memory:/docker/y\n");
  const std::string group = "sys/fs/cgroup/memory/docker/y/";
  system.file(group + "memory.limit_in_bytes", "9223372036854771712\n");
  system.file(group + "memory.usage_in_bytes", "50\n");
  EXPECT_EQ(memory_available_bytes(system.root()), int64_t{8000000} * 1024) << "that is no limit";
  system.file(group + "memory.limit_in_bytes", "4000\n");
  EXPECT_EQ(memory_available_bytes(system.root()), 3950);
}

TEST(MemoryAvailable, RefusesAMachineWithoutProc) {
  FakeSystem empty;
  EXPECT_EQ(
      message_of([&] { memory_available_bytes(empty.root()); }),
      empty.root() +
          "/proc/meminfo: expected a line 'MemAvailable: N kB', found none; is /proc mounted?");
}

TEST(ProcessMemory, IsReadFromStatmStatusAndSmaps) {
  FakeSystem system;
  system.file("proc/self/statm", "765 408 380 5 0 123 0\n")
      .file("proc/self/status", "VmPeak:\t  999999 kB\nVmHWM:\t   20000 kB\n")
      .file("proc/self/smaps_rollup",
            "5-7 ---p [rollup]\nRss: 1604 kB\nPss_Dirty: 1 kB\nPss:  392 kB\n");
  const ProcessMemory memory = process_memory(system.root());
  EXPECT_EQ(memory.rss_bytes % 408, 0);
  EXPECT_GE(memory.rss_bytes, 408 * 4096);
  EXPECT_EQ(memory.rss_bytes_peak, 20000 * 1024);
  EXPECT_EQ(memory.pss_bytes, 392 * 1024);
}

TEST(ProcessMemory, LeavesPssAbsentWhereTheKernelDoesNotTell) {
  FakeSystem system;
  system.file("proc/self/statm", "765 408 380 5 0 123 0\n");
  const ProcessMemory memory = process_memory(system.root());
  EXPECT_FALSE(memory.pss_bytes);
  EXPECT_GE(memory.rss_bytes_peak, memory.rss_bytes) << "from getrusage";
}

TEST(ProcessMemory, RefusesAMachineWithoutProc) {
  FakeSystem empty;
  EXPECT_EQ(message_of([&] { process_memory(empty.root()); }),
            empty.root() + "/proc/self/statm: expected page counts, found ''; is /proc mounted?");
}

TEST(ProcessMemory, GrowsWithWhatIsTouched) {
  const ProcessMemory before = process_memory();
  const std::vector<char> touched(64 << 20, 1);
  const ProcessMemory after = process_memory();
  EXPECT_EQ(touched[1 << 20], 1);
  EXPECT_GE(after.rss_bytes, before.rss_bytes + (60 << 20));
  EXPECT_GE(after.rss_bytes_peak, after.rss_bytes);
}

}  // namespace
}  // namespace crescent
