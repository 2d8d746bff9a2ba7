#include "profiler/environment.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "profiler/temperature.h"
#include "tests/profiler/fake_system.h"
#include "tests/support.h"

namespace crescent {
namespace {

const Fact* find(const std::vector<Fact>& facts, const std::string& name) {
  const auto found =
      std::find_if(facts.begin(), facts.end(), [&](const Fact& fact) { return fact.name == name; });
  return found == facts.end() ? nullptr : &*found;
}
/// The value, or 'absent: ' with the reason, or 'nothing'.
std::string told(const std::vector<Fact>& facts, const std::string& name) {
  const Fact* fact = find(facts, name);
  if (!fact) return "nothing";
  EXPECT_NE(fact->value.empty(), fact->absent.empty()) << name;
  return fact->value.empty() ? "absent: " + fact->absent : fact->value;
}

/// A git repository of a test's own, whatever the user's configuration says.
class Repository {
 public:
  Repository() { git("init -q -b main"); }
  void git(const std::string& command) const {
    const std::string line = "GIT_CONFIG_GLOBAL=/dev/null git -C '" + folder_.path().string() +
                             "' -c user.name=T -c user.email=t@example.org " + command +
                             " >/dev/null 2>&1";
    ASSERT_EQ(std::system(line.c_str()), 0) << line;
  }
  void commit_all() const {
    git("add -A");
    git("commit -q -m one");
  }
  const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
};

TEST(GitState, TellsCommitAndBranchOfACleanTree) {
  const Repository repository;
  repository.folder().write("a.lua", "return 1\n");
  repository.commit_all();
  const GitState state = git_state(repository.folder().path());
  EXPECT_EQ(state.absent, "");
  EXPECT_EQ(state.branch, "main");
  std::string head = read_text(repository.folder() / ".git/refs/heads/main");
  head.pop_back();
  EXPECT_EQ(state.commit, head);
  EXPECT_EQ(state.changed, 0);
  EXPECT_EQ(state.untracked, 0);
}

TEST(GitState, CountsWhatDiffersFromTheCommitInTheWholeTree) {
  const Repository repository;
  for (const char* name : {"a.lua", "b.lua", "c.lua"}) repository.folder().write(name, "return 1");
  repository.commit_all();
  std::filesystem::create_directory(repository.folder() / "below");
  repository.folder().write("a.lua", "return 2");
  std::filesystem::remove(repository.folder() / "b.lua");
  repository.folder().write("below/new.lua", "");
  const GitState state = git_state(repository.folder() / "below");
  EXPECT_EQ(state.changed, 2);
  EXPECT_EQ(state.untracked, 1);
}

TEST(GitState, HasNoCommitBeforeTheFirstAndNoBranchWhereNoneIsCheckedOut) {
  const Repository repository;
  const GitState before = git_state(repository.folder().path());
  EXPECT_EQ(before.absent, "");
  EXPECT_FALSE(before.commit);
  EXPECT_EQ(before.branch, "main");
  repository.folder().write("a.lua", "");
  repository.commit_all();
  repository.git("checkout -q --detach");
  const GitState detached = git_state(repository.folder().path());
  EXPECT_TRUE(detached.commit);
  EXPECT_FALSE(detached.branch);
}

TEST(GitState, LooksAtTheFolderEvenWhereAHookNamesAnotherRepository) {
  const Repository repository, other;
  repository.folder().write("a.lua", "");
  repository.commit_all();
  ::setenv("GIT_DIR", (other.folder() / ".git").c_str(), 1);
  const GitState state = git_state(repository.folder().path());
  ::unsetenv("GIT_DIR");
  EXPECT_TRUE(state.commit);
}

TEST(GitState, IsAbsentOutsideOfARepositoryAndWithoutGit) {
  const TemporaryFolder folder;
  EXPECT_EQ(git_state(folder.path()).absent, "the script's folder is in no git repository");
  EXPECT_EQ(git_state(folder.path(), {.program = "no-such-git"}).absent,
            "no program 'no-such-git' in PATH");
}

/// A program that stands in for git.
std::string program(const TemporaryFolder& folder, const std::string& body) {
  folder.write("git", "#!/bin/sh\n" + body + "\n");
  std::filesystem::permissions(folder / "git", std::filesystem::perms::owner_all);
  return folder / "git";
}

TEST(GitState, DoesNotWaitForAGitThatHangs) {
  const TemporaryFolder folder;
  // The pipe stays open in a process that outlives the one which was started.
  const std::string hangs = program(folder, "sleep 600 & echo '# branch.head main'; wait");
  EXPECT_EQ(git_state(folder.path(), {.program = hangs, .timeout_ms = 50}).absent,
            "'" + hangs + " status' took longer than 50 ms or was killed");
  const std::string closes = program(folder, "exec >&- 2>&-; sleep 600");
  EXPECT_EQ(git_state(folder.path(), {.program = closes, .timeout_ms = 50}).absent,
            "'" + closes + " status' took longer than 50 ms or was killed");
}

TEST(GitState, PassesOnWhatGitComplainsOf) {
  const TemporaryFolder folder;
  const std::string complains =
      program(folder, "echo 'fatal: detected dubious ownership' >&2; exit 128");
  EXPECT_EQ(git_state(folder.path(), {.program = complains}).absent,
            "'" + complains + " status' failed with 128: fatal: detected dubious ownership");
  const std::string silent = program(folder, "exit 3");
  EXPECT_EQ(git_state(folder.path(), {.program = silent}).absent,
            "'" + silent + " status' failed with 3: it said nothing");
  std::filesystem::permissions(folder / "git", std::filesystem::perms::owner_read);
  EXPECT_EQ(git_state(folder.path(), {.program = folder / "git"}).absent,
            "'" + (folder / "git") + "' can't be started: Permission denied");
}

TEST(Temperature, IsThePackagesBeforeThatOfOtherDrivers) {
  FakeSystem system;
  EXPECT_FALSE(find_temperature(system.root()));
  system.file("sys/class/hwmon/hwmon0/name", "nvme\n")
      .file("sys/class/hwmon/hwmon0/temp1_input", "38000\n");
  EXPECT_FALSE(find_temperature(system.root())) << "a disk is not the processor";
  system.file("sys/class/thermal/thermal_zone0/type", "acpitz\n")
      .file("sys/class/thermal/thermal_zone0/temp", "27800\n");
  EXPECT_EQ(find_temperature(system.root())->name, "acpitz");
  system.file("sys/class/hwmon/hwmon3/name", "k10temp\n")
      .file("sys/class/hwmon/hwmon3/temp1_input", "51125\n");
  const auto monitor = find_temperature(system.root());
  ASSERT_TRUE(monitor);
  EXPECT_EQ(monitor->path, "sys/class/hwmon/hwmon3/temp1_input");
  EXPECT_EQ(temperature_c(SystemFiles(system.root()), *monitor), 51.125);
  system.file("sys/class/thermal/thermal_zone7/type", "x86_pkg_temp\n")
      .file("sys/class/thermal/thermal_zone7/temp", "60000\n");
  EXPECT_EQ(find_temperature(system.root())->name, "x86_pkg_temp");
  // What a driver says while it is asleep.
  system.file("sys/class/thermal/thermal_zone7/temp", "-274000\n");
  EXPECT_EQ(find_temperature(system.root())->name, "k10temp");
}

TEST(Environment, TellsTheMachineAndItsState) {
  FakeSystem system;
  system.file("proc/cpuinfo", "model name\t: Imaginary 9000\n")
      .file("sys/devices/system/cpu/online", "0-3\n")
      .file("sys/devices/system/cpu/cpu0/cache/index0/level", "1\n")
      .file("sys/devices/system/cpu/cpu0/cache/index0/size", "32K\n")
      .file("sys/devices/system/cpu/cpu0/cache/index0/type", "Data\n")
      .file("sys/devices/system/cpu/cpu0/cache/index0/shared_cpu_list", "0,2\n")
      .file("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n")
      .file("proc/loadavg", "6.50 1.00 0.50 1/100 1234\n")
      .file("proc/sys/kernel/osrelease", "6.1.0-42-amd64\n")
      .file("sys/class/thermal/thermal_zone0/type", "x86_pkg_temp\n")
      .file("sys/class/thermal/thermal_zone0/temp", "45500\n")
      .memory("1000", "600")
      .cores_allowed("0-1");
  const auto facts = environment_facts(
      {.versions = {{"crescent", "0.1.0 (abc)"}, {"LuaJIT", ""}}, .root = system.root()});
  EXPECT_EQ(told(facts, "cpu"), "Imaginary 9000");
  EXPECT_EQ(told(facts, "cores"), "2");
  EXPECT_EQ(told(facts, "cores_online"), "4");
  EXPECT_EQ(told(facts, "caches"), "L1 data 32768 B for 2 cores");
  EXPECT_EQ(told(facts, "memory_bytes"), "1024000");
  EXPECT_EQ(told(facts, "memory_bytes_available"), "614400");
  EXPECT_EQ(told(facts, "governor"), "powersave");
  EXPECT_EQ(told(facts, "load_1min"), "6.50");
  EXPECT_EQ(told(facts, "temperature_c"), "45.5");
  EXPECT_EQ(told(facts, "temperature_source"), "x86_pkg_temp");
  EXPECT_EQ(told(facts, "kernel"), "6.1.0-42-amd64");
  EXPECT_EQ(told(facts, "version.crescent"), "0.1.0 (abc)");
  EXPECT_EQ(told(facts, "version.LuaJIT"), "absent: it was not told at build time");
  EXPECT_EQ(told(facts, "warning.1"), "the machine is busy: a load of 6.5 on 4 cores");
  EXPECT_EQ(told(facts, "warning.2"),
            "the frequency governor is 'powersave': times vary more than under 'performance' "
            "(cpupower frequency-set -g performance)");
}

TEST(Environment, GivesAReasonForEachFactThatIsMissing) {
  const FakeSystem nothing;
  const auto facts = environment_facts({.root = nothing.root()});
  EXPECT_EQ(told(facts, "cpu"), "absent: no 'model name' in /proc/cpuinfo");
  EXPECT_EQ(told(facts, "governor"),
            "absent: no cpufreq in /sys/devices/system/cpu/cpu0, as in most virtual machines");
  EXPECT_EQ(told(facts, "memory_bytes_available"), "absent: no 'MemAvailable' in /proc/meminfo");
  EXPECT_EQ(told(facts, "temperature_c"),
            "absent: no temperature of the processor in /sys/class/thermal or /sys/class/hwmon, as "
            "in most virtual machines");
  EXPECT_EQ(told(facts, "kernel"), "absent: no /proc/sys/kernel/osrelease");
  EXPECT_EQ(told(facts, "script_text"), "absent: no script: typed at the prompt");
  EXPECT_EQ(told(facts, "git_commit"), "absent: no script: typed at the prompt");
  std::set<std::string> names;
  for (const Fact& fact : facts) {
    EXPECT_NE(fact.value.empty(), fact.absent.empty()) << fact.name;
    EXPECT_TRUE(names.insert(fact.name).second) << fact.name;
  }
}

TEST(Environment, TellsTheScriptAndItsRepository) {
  const FakeSystem nothing;
  const Repository repository;
  repository.folder().write("sweep.lua", "return 1\n");
  repository.commit_all();
  repository.folder().write("notes.txt", "");
  const EnvironmentOptions options{
      .script = EnvironmentOptions::Script{repository.folder() / "sweep.lua", "return 1\n", "9f3a"},
      .root = nothing.root()};
  const auto facts = environment_facts(options);
  EXPECT_EQ(told(facts, "script"), "sweep.lua");
  EXPECT_EQ(told(facts, "script_hash"), "9f3a");
  EXPECT_EQ(told(facts, "script_text"), "return 1\n");
  EXPECT_EQ(told(facts, "git_commit"), *git_state(repository.folder().path()).commit);
  EXPECT_EQ(told(facts, "git_branch"), "main");
  EXPECT_EQ(told(facts, "git_dirty"), "yes: 0 changed, 1 untracked");
  repository.commit_all();
  EXPECT_EQ(told(environment_facts(options), "git_dirty"), "no");
  repository.git("checkout -q --detach");
  EXPECT_EQ(told(environment_facts(options), "git_branch"), "absent: no branch is checked out");
}

TEST(Environment, DoesNotNameTheMachineNorWhereTheScriptLies) {
  FakeSystem system;
  system.file("proc/sys/kernel/hostname", "anna-laptop\n")
      .file("proc/version", "Linux version 6.1 (root@anna-laptop)\n")
      .file("proc/sys/kernel/version", "#1 SMP anna-laptop\n")
      .file("proc/sys/kernel/osrelease", "6.1\n");
  const TemporaryFolder folder;
  for (const Fact& fact : environment_facts(
           {.script = EnvironmentOptions::Script{folder / "sweep.lua", "return 1\n", "9f3a"},
          .root = system.root()})) {
    EXPECT_EQ(fact.value.find("anna-laptop"), std::string::npos) << fact.name;
    EXPECT_EQ((fact.value + fact.absent).find(folder.path().string()), std::string::npos)
        << fact.name;
  }
}

}  // namespace
}  // namespace crescent
