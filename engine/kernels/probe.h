#pragma once
#include <cstddef>
#include <cstdint>

namespace crescent::kernels {

/// The loops by which the machine's limits are measured, one source compiled per instruction set
/// and picked at run time (CRESCENT_ISA=scalar|avx2|avx512 forces a lower one).
struct Probe {
  const char* isa;
  /// Reads every byte once with several independent streams; returns a value that depends on all.
  uint64_t (*read)(const void* data, size_t bytes);
  /// Independent fused multiply-adds kept in registers; returns the number of FLOPs done.
  double (*fma_fp32)(int64_t rounds, float* sink);
};
const Probe& probe();

enum class Isa { scalar, avx2, avx512 };
/// The best that this CPU has and CRESCENT_ISA allows. @throws Error for an unknown or missing one.
Isa isa();
const char* name_of(Isa);

}  // namespace crescent::kernels
