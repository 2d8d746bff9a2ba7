#include "profiler/machine_watch.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "engine/error.h"
#include "profiler/clock.h"
#include "profiler/sampling.h"

namespace crescent {
namespace {

double own_cpu_s() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

constexpr const char* kAnotherTimes =
    "another crescent process times something on this machine: wait for it, or expect wide "
    "intervals";

void warn_of_governor(const Machine& machine, std::vector<std::string>& warnings) {
  if (machine.governor && *machine.governor != "performance")
    warnings.push_back(
        fmt::format("the frequency governor is '{}': times vary more than under "
                    "'performance' (cpupower frequency-set -g performance)",
                    *machine.governor));
}

void warn_of_load(const Machine& machine, std::vector<std::string>& warnings) {
  if (machine.cores_online > 0 && machine.load_1min > machine.cores_online)
    warnings.push_back(fmt::format("the machine is busy: a load of {:.1f} on {} cores",
                                   machine.load_1min, machine.cores_online));
}

}  // namespace

std::optional<CpuTimes> cpu_times(const SystemFiles& files) {
  // proc(5): user nice system idle iowait irq softirq steal guest guest_nice; guest is in user.
  const auto line = field(files.text("proc/stat").value_or(""), "cpu");
  double user, nice, system, idle, iowait, irq, softirq, steal;
  if (!line || std::sscanf(line->c_str(), "%lf %lf %lf %lf %lf %lf %lf %lf", &user, &nice, &system,
                           &idle, &iowait, &irq, &softirq, &steal) != 8)
    return std::nullopt;
  const double tick_s = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  return CpuTimes{(user + nice + system + irq + softirq) * tick_s, steal * tick_s};
}

std::vector<std::string> warnings_of(const CpuUse& use) {
  std::vector<std::string> warnings;
  if (use.elapsed_s < 0.2 || use.cores < 1) return warnings;
  const double others = (use.all.busy_s - use.own_s) / use.elapsed_s;
  if (others > 0.05 * use.cores)
    warnings.push_back(
        fmt::format("other processes used {:.2g} of {} cores meanwhile", others, use.cores));
  const double stolen = use.all.stolen_s / (use.elapsed_s * use.cores);
  if (stolen > 0.02)
    warnings.push_back(
        fmt::format("the hypervisor withheld {} of the CPU time meanwhile", percent(stolen)));
  return warnings;
}

std::vector<std::string> timing_warnings(const std::string& root) {
  std::vector<std::string> warnings;
  const Machine machine = machine_facts(root);
  warn_of_load(machine, warnings);
  warn_of_governor(machine, warnings);
  if (!TimingLock().alone()) warnings.push_back(kAnotherTimes);
  return warnings;
}

MachineWatch::MachineWatch(std::string root)
    : files_(root),
      root_(std::move(root)),
      all_(cpu_times(files_)),
      started_ns_(SteadyClock().now_ns()),
      own_s_(own_cpu_s()) {}

std::vector<std::string> MachineWatch::warnings() const {
  // What was used meanwhile says more than the load, which counts the last minutes and ourselves.
  std::vector<std::string> warnings;
  const Machine machine = machine_facts(root_);
  const auto now = cpu_times(files_);
  if (all_ && now)
    warnings =
        warnings_of({.elapsed_s = 1e-9 * static_cast<double>(SteadyClock().now_ns() - started_ns_),
                     .all = {now->busy_s - all_->busy_s, now->stolen_s - all_->stolen_s},
                     .own_s = own_cpu_s() - own_s_,
                     .cores = machine.cores_online});
  else warn_of_load(machine, warnings);
  warn_of_governor(machine, warnings);
  if (!lock_.alone()) warnings.push_back(kAnotherTimes);
  return warnings;
}

}  // namespace crescent
