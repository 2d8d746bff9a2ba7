#pragma once

namespace crescent::kernels {

/// 'scalar' is what every CPU of the architecture has (SSE2 on x86-64).
enum class Isa { scalar, avx2, avx512 };
const char* name_of(Isa);

/// The best that this CPU has and CRESCENT_ISA allows, decided once.
/// @throws Error for an unknown or missing one.
Isa isa();
/// That decision for a given value of CRESCENT_ISA; null or empty: the best that this CPU has.
Isa isa_for(const char* forced);
/// True if the CPU and the operating system can run it and this program holds code for it.
bool is_available(Isa);

}  // namespace crescent::kernels
