#include "profiler/machine.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "engine/kernels/cpu.h"
#include "engine/system_files.h"

namespace crescent {
namespace {

std::vector<Machine::Cache> read_caches(const SystemFiles& files) {
  std::vector<Machine::Cache> caches;
  for (int index = 0;; ++index) {
    const std::string folder =
        "sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    const auto level = files.integer(folder + "level");
    if (!level) return caches;
    const auto bytes = bytes_of_size(files.text(folder + "size").value_or(""));
    const auto shared = count_of_list(files.text(folder + "shared_cpu_list").value_or(""));
    if (!bytes || !shared) continue;
    std::string type = files.text(folder + "type").value_or("");
    std::transform(type.begin(), type.end(), type.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    caches.push_back({static_cast<int>(*level), type, *bytes, *shared});
  }
}

int cores_online(const SystemFiles& files) {
  return count_of_list(files.text("sys/devices/system/cpu/online").value_or("")).value_or(0);
}

}  // namespace

Machine machine_facts(const std::string& root) {
  const SystemFiles files(root);
  Machine machine;
  const auto absent = [&](const char* name, std::string reason) {
    machine.absent.emplace_back(name, std::move(reason));
  };

  if (const auto name = field(files.text("proc/cpuinfo").value_or(""), "model name"))
    machine.cpu = *name;
  else absent("cpu", "no 'model name' in /proc/cpuinfo");

  machine.cores = usable_cores(root);
  machine.cores_online = cores_online(files);
  if (machine.cores_online == 0)
    absent("cores_online", "no list of cores in /sys/devices/system/cpu/online");

  machine.isa = kernels::cpu_features();
  if (machine.isa.empty()) absent("isa", "only read on x86-64");

  machine.caches = read_caches(files);
  if (machine.caches.empty()) absent("caches", "no caches in /sys/devices/system/cpu/cpu0/cache");

  const auto memory = field_kb_as_bytes(files.text("proc/meminfo").value_or(""), "MemTotal");
  if (memory)
    machine.memory_bytes = std::min(*memory, cgroup_limits(files).memory_bytes.value_or(*memory));
  else absent("memory_bytes", "no 'MemTotal' in /proc/meminfo");

  machine.governor = files.text("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  if (!machine.governor)
    absent("governor", "no cpufreq in /sys/devices/system/cpu/cpu0, as in most virtual machines");

  const auto load = files.text("proc/loadavg");
  char* end = nullptr;
  if (load) machine.load_1min = std::strtod(load->c_str(), &end);
  if (!load || end == load->c_str()) absent("load_1min", "no figures in /proc/loadavg");
  return machine;
}

}  // namespace crescent
