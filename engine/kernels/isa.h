#pragma once

namespace crescent::kernels {

/// 'scalar' is what every CPU of the architecture has (SSE2 on x86-64). 'avx2' and 'avx512' take
/// VNNI too where the CPU has it: it gives the same bits. 'amx' is 'avx512', VNNI, AVX512-BF16 and
/// tiles of bf16, by which many rows are multiplied with narrow weights.
enum class Isa { scalar, avx2, avx512, amx };
constexpr Isa kIsas[] = {Isa::scalar, Isa::avx2, Isa::avx512, Isa::amx};
const char* name_of(Isa);

/// The best that this CPU has and CRESCENT_ISA allows, decided once.
/// @throws Error for an unknown or missing one.
Isa isa();
/// That decision for a given value of CRESCENT_ISA; null or empty: the best that this CPU has.
Isa isa_for(const char* forced);
/// True if the CPU and the operating system can run it and this program holds code for it.
bool is_available(Isa);

}  // namespace crescent::kernels
