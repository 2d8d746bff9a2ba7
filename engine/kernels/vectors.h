#pragma once
// What the kernels' sources, which are compiled once per instruction set with CRESCENT_ISA naming
// the namespace, have in common: how wide a vector is there. Only those may include this. All that
// is here is inside that namespace, so that no build's code is taken for another's.
#include <cstdint>

#define CRESCENT_TEXT_OF(x) #x
#define CRESCENT_TEXT(x) CRESCENT_TEXT_OF(x)

namespace crescent::kernels::CRESCENT_ISA {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;  // SSE2, NEON; elsewhere the compiler takes it apart
#endif
constexpr int kLanes = kVectorBytes / int{sizeof(float)};

typedef float Floats __attribute__((vector_size(kVectorBytes)));
typedef int32_t Ints __attribute__((vector_size(kVectorBytes)));
typedef float FloatsInMemory __attribute__((vector_size(kVectorBytes), aligned(4), may_alias));

}  // namespace crescent::kernels::CRESCENT_ISA
