#include "profiler/environment.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/system_files.h"
#include "profiler/machine.h"
#include "profiler/temperature.h"

namespace crescent {
namespace {

class FactList {
 public:
  void add(std::string name, std::string value) {
    facts_.push_back({std::move(name), std::move(value), ""});
  }
  void absent(std::string name, std::string reason) {
    facts_.push_back({std::move(name), "", std::move(reason)});
  }
  void add_or(std::string name, const std::optional<std::string>& value, std::string reason) {
    if (value && !value->empty()) add(std::move(name), *value);
    else absent(std::move(name), std::move(reason));
  }
  std::vector<Fact> take() { return std::move(facts_); }

 private:
  std::vector<Fact> facts_;
};

/// 'L1 data 32768 B for 2 cores, L2 unified ...'
std::string caches_text(const Machine& machine) {
  std::string text;
  for (const auto& cache : machine.caches)
    text += fmt::format("{}L{} {} {} B for {} core{}", text.empty() ? "" : ", ", cache.level,
                        cache.type, cache.bytes, cache.shared_by, cache.shared_by == 1 ? "" : "s");
  return text;
}

void add_machine(FactList& list, const std::string& root) {
  const Machine machine = machine_facts(root);
  const auto add = [&](const char* name, std::string value) {
    const auto reason = std::find_if(machine.absent.begin(), machine.absent.end(),
                                     [&](const auto& entry) { return entry.first == name; });
    if (reason != machine.absent.end()) list.absent(name, reason->second);
    else list.add(name, std::move(value));
  };
  add("cpu", machine.cpu);
  add("cores", std::to_string(machine.cores));
  add("cores_online", std::to_string(machine.cores_online));
  add("isa", fmt::format("{}", fmt::join(machine.isa, " ")));
  add("caches", caches_text(machine));
  add("memory_bytes", std::to_string(machine.memory_bytes));
  add("governor", machine.governor.value_or(""));
  add("load_1min", fmt::format("{:.2f}", machine.load_1min));
}

void add_state(FactList& list, const std::string& root) {
  const SystemFiles files(root);
  const auto available = field_kb_as_bytes(files.text("proc/meminfo").value_or(""), "MemAvailable");
  list.add_or("memory_bytes_available",
              available ? std::optional(std::to_string(*available)) : std::nullopt,
              "no 'MemAvailable' in /proc/meminfo");
  const auto source = find_temperature(root);
  const auto degrees = source ? temperature_c(files, *source) : std::nullopt;
  list.add_or("temperature_c",
              degrees ? std::optional(fmt::format("{:.1f}", *degrees)) : std::nullopt,
              kNoTemperature);
  if (degrees) list.add("temperature_source", source->name);
  // The release alone: 'uname -v' can hold the name of the machine that built the kernel.
  list.add_or("kernel", files.text("proc/sys/kernel/osrelease"), "no /proc/sys/kernel/osrelease");
}

void add_git(FactList& list, const std::filesystem::path& folder, const GitOptions& options) {
  const GitState state = git_state(folder, options);
  if (!state.absent.empty()) {
    for (const char* name : {"git_commit", "git_branch", "git_dirty"})
      list.absent(name, state.absent);
    return;
  }
  list.add_or("git_commit", state.commit, "the repository has no commit yet");
  list.add_or("git_branch", state.branch, "no branch is checked out");
  list.add("git_dirty",
           state.changed + state.untracked == 0
               ? "no"
               : fmt::format("yes: {} changed, {} untracked", state.changed, state.untracked));
}

void add_script(FactList& list, const EnvironmentOptions& options) {
  if (!options.script) {
    for (const char* name :
         {"script", "script_hash", "script_text", "git_commit", "git_branch", "git_dirty"})
      list.absent(name, "no script: typed at the prompt");
    return;
  }
  const auto& script = *options.script;
  list.add_or("script", script.path.filename().string(), "the script has no file");
  list.add_or("script_hash", script.hash, "none was given");
  list.add_or("script_text", script.text, "the script is empty");
  add_git(list, script.path.parent_path(), options.git);
}

}  // namespace

std::vector<Fact> environment_facts(const EnvironmentOptions& options) {
  FactList list;
  add_machine(list, options.root);
  add_state(list, options.root);
  for (const auto& [name, version] : options.versions)
    list.add_or("version." + name, version, "it was not told at build time");
  add_script(list, options);
  int number = 0;
  for (const std::string& warning : timing_warnings(options.root))
    list.add(fmt::format("warning.{}", ++number), warning);
  return list.take();
}

}  // namespace crescent
