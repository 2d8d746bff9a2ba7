#pragma once
#include <cstdint>
#include <span>

#include "engine/kernels/isa.h"

namespace crescent::kernels {

enum class MatrixNumbers { bf16, int8 };

/// Multiply-adds of narrow numbers, as matrix products do them. Whoever runs one sees to it that
/// the CPU has what it needs.
struct MatrixProbe {
  MatrixNumbers numbers;
  const char* instruction;  ///< 'tdpbf16ps'
  const char* needs;        ///< the instruction set, as Machine::isa names it: 'amx_bf16'
  Isa isa;                  ///< the lowest to which CRESCENT_ISA may be set
  bool tiles;               ///< needs allow_tiles()
  /// Keeps several independent sums of products in registers, and stores of them to `*sink`, so
  /// that nothing can be left out; returns the number of operations done, a multiplication and an
  /// addition being two.
  double (*run)(int64_t rounds, float* sink);
};

/// All that this program holds code for, in the order of their speed.
std::span<const MatrixProbe> matrix_probes();

/// Asks the kernel for the tile registers of AMX, which it gives on demand alone; for the whole
/// process, once. @throws Error with its reason if it gives none.
void allow_tiles();

}  // namespace crescent::kernels
