#include "engine/kernels/cpu.h"

#include <algorithm>
#include <cstdint>

#ifdef __x86_64__
#  include <cpuid.h>
#endif

namespace crescent::kernels {
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

std::vector<std::string> read() {
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

std::vector<std::string> read() { return {}; }

#endif

}  // namespace

const std::vector<std::string>& cpu_features() {
  static const std::vector<std::string> features = read();
  return features;
}

bool cpu_has(std::initializer_list<std::string_view> features) {
  const auto& known = cpu_features();
  return std::all_of(features.begin(), features.end(), [&](std::string_view feature) {
    return std::find(known.begin(), known.end(), feature) != known.end();
  });
}

}  // namespace crescent::kernels
