#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/kernels/isa.h"

namespace crescent::kernels {

/// The loops by which the machine's limits are measured, one source compiled per instruction set
/// and picked at run time (CRESCENT_ISA forces a lower one).
struct Probe {
  const char* isa;
  /// Reads every byte once with several independent streams; returns the sum of all 8-byte words
  /// (wrapping, the last one padded with zeros), which depends on all and is equal for every ISA.
  uint64_t (*read)(const void* data, size_t bytes);
  /// Independent fused multiply-adds kept in registers, started from `*sink` (a finite number)
  /// and stored to it, so that nothing can be left out; returns the number of FLOPs done.
  double (*fma_fp32)(int64_t rounds, float* sink);
};

const Probe& probe();  ///< of isa()
/// 'amx' reads and adds as 'avx512' does. @throws Error if it is not available.
const Probe& probe(Isa);

}  // namespace crescent::kernels
