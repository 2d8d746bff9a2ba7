#include "profiler/machine.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#ifdef __x86_64__
#  include <cpuid.h>
#endif

#include "engine/system_files.h"

namespace crescent {
namespace {

#ifdef __x86_64__

enum Register { eax, ebx, ecx, edx };

/// What the operating system must save at a task switch for a set to be usable (XCR0).
enum Saved : uint64_t { nothing = 0, ymm = 0x6, zmm = 0xe6, tiles = 0x60000 };

struct Feature {
  const char* name;
  unsigned leaf, subleaf;
  Register where;
  int bit;
  Saved saved;
};

/// Intel Software Developer's Manual, volume 2, CPUID; AMD uses the same bits.
constexpr Feature kFeatures[] = {
    {"sse2", 1, 0, edx, 26, nothing},   {"ssse3", 1, 0, ecx, 9, nothing},
    {"sse4.1", 1, 0, ecx, 19, nothing}, {"sse4.2", 1, 0, ecx, 20, nothing},
    {"popcnt", 1, 0, ecx, 23, nothing}, {"avx", 1, 0, ecx, 28, ymm},
    {"f16c", 1, 0, ecx, 29, ymm},       {"fma", 1, 0, ecx, 12, ymm},
    {"bmi2", 7, 0, ebx, 8, nothing},    {"avx2", 7, 0, ebx, 5, ymm},
    {"avx_vnni", 7, 1, eax, 4, ymm},    {"avx512f", 7, 0, ebx, 16, zmm},
    {"avx512dq", 7, 0, ebx, 17, zmm},   {"avx512bw", 7, 0, ebx, 30, zmm},
    {"avx512vl", 7, 0, ebx, 31, zmm},   {"avx512_vnni", 7, 0, ecx, 11, zmm},
    {"avx512_bf16", 7, 1, eax, 5, zmm}, {"avx512_fp16", 7, 0, edx, 23, zmm},
    {"amx_tile", 7, 0, edx, 24, tiles}, {"amx_bf16", 7, 0, edx, 22, tiles},
    {"amx_int8", 7, 0, edx, 25, tiles},
};

uint64_t saved_by_system() {
  unsigned registers[4];
  if (!__get_cpuid(1, &registers[eax], &registers[ebx], &registers[ecx], &registers[edx])) return 0;
  constexpr unsigned kOsxsave = 1u << 27;
  if (!(registers[ecx] & kOsxsave)) return 0;
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}

std::vector<std::string> read_isa() {
  const uint64_t saved = saved_by_system();
  std::vector<std::string> names;
  for (const Feature& feature : kFeatures) {
    // A CPU answers a subleaf that it doesn't have with that of another one: leaf 7's subleaf 0
    // says in EAX how many there are.
    unsigned registers[4] = {};
    if (feature.subleaf > 0 &&
        (!__get_cpuid_count(feature.leaf, 0, &registers[eax], &registers[ebx], &registers[ecx],
                            &registers[edx]) ||
         registers[eax] < feature.subleaf))
      continue;
    if (__get_cpuid_count(feature.leaf, feature.subleaf, &registers[eax], &registers[ebx],
                          &registers[ecx], &registers[edx]) &&
        (registers[feature.where] >> feature.bit & 1) && (saved & feature.saved) == feature.saved)
      names.push_back(feature.name);
  }
  return names;
}

#else

std::vector<std::string> read_isa() { return {}; }

#endif

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

  machine.isa = read_isa();
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
