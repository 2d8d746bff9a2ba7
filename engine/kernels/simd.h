#pragma once
// Vectors of floats for the kernels' sources, which are compiled once per instruction set with
// CRESCENT_ISA naming the namespace. Only those may include this. All that is here is inside that
// namespace, so that no build's code is taken for another's; the standard library stays out for
// the same reason (see probe_kernel.cpp).
//
// The sources are compiled with -ffp-contract=off: a product is fused with a sum where the code
// says fma and nowhere else. Bit-identity of one kernel's different paths rests on that.
#include "engine/kernels/vectors.h"

#if defined(__AVX2__)
#  include <immintrin.h>
#elif defined(__SSE2__)
#  include <emmintrin.h>
#endif

#define CRESCENT_INLINE inline __attribute__((always_inline))

namespace crescent::kernels::CRESCENT_ISA {

CRESCENT_INLINE int64_t less_of(int64_t a, int64_t b) { return a < b ? a : b; }
CRESCENT_INLINE int64_t greater_of(int64_t a, int64_t b) { return a > b ? a : b; }

typedef float Four __attribute__((vector_size(16)));
typedef float FourInMemory __attribute__((vector_size(16), aligned(4), may_alias));

CRESCENT_INLINE Floats load(const float* from) {
  return *reinterpret_cast<const FloatsInMemory*>(from);
}
CRESCENT_INLINE void store(float* to, Floats x) { *reinterpret_cast<FloatsInMemory*>(to) = x; }
CRESCENT_INLINE Four load_four(const float* from) {
  return *reinterpret_cast<const FourInMemory*>(from);
}
CRESCENT_INLINE void store_four(float* to, Four x) { *reinterpret_cast<FourInMemory*>(to) = x; }
CRESCENT_INLINE Floats all(float x) {
#if defined(__AVX512F__)
  return (Floats)_mm512_set1_ps(x);
#elif defined(__AVX2__)
  return (Floats)_mm256_set1_ps(x);
#else
  return Floats{x, x, x, x};
#endif
}

/// In each four lanes the lower (or upper) two of a and b: a b a b.
template <bool kUpper>
CRESCENT_INLINE Floats interleave(Floats a, Floats b) {
#if defined(__AVX512F__)
  return kUpper ? __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30,
                                          15, 31)
                : __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28,
                                          13, 29);
#elif defined(__AVX2__)
  return kUpper ? __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
                : __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
#else
  return kUpper ? __builtin_shufflevector(a, b, 2, 6, 3, 7)
                : __builtin_shufflevector(a, b, 0, 4, 1, 5);
#endif
}
/// In each four lanes the lower (or upper) two of a, then of b: a a b b.
template <bool kUpper>
CRESCENT_INLINE Floats join(Floats a, Floats b) {
#if defined(__AVX512F__)
  return kUpper ? __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15,
                                          30, 31)
                : __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13,
                                          28, 29);
#elif defined(__AVX2__)
  return kUpper ? __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
                : __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
#else
  return kUpper ? __builtin_shufflevector(a, b, 2, 3, 6, 7)
                : __builtin_shufflevector(a, b, 0, 1, 4, 5);
#endif
}

/// Four numbers of a row, and of every fourth row behind it.
CRESCENT_INLINE Floats load_every_fourth(const float* row, int64_t stride) {
#if defined(__AVX512F__)
  const auto pair = [&](int64_t n) __attribute__((always_inline)) {
    return __builtin_shufflevector(load_four(row + n * stride), load_four(row + (n + 4) * stride),
                                   0, 1, 2, 3, 4, 5, 6, 7);
  };
  return __builtin_shufflevector(pair(0), pair(8), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
                                 15);
#elif defined(__AVX2__)
  return __builtin_shufflevector(load_four(row), load_four(row + 4 * stride), 0, 1, 2, 3, 4, 5, 6,
                                 7);
#else
  (void)stride;
  return load_four(row);
#endif
}

/// Four neighbouring numbers of each of kLanes rows, turned: to[number][row].
CRESCENT_INLINE void turn_fours(const float* from, int64_t stride, float* to, int64_t to_stride) {
  Floats row[4];
  for (int n = 0; n < 4; ++n) row[n] = load_every_fourth(from + n * stride, stride);
  const Floats lower = interleave<false>(row[0], row[1]),
               lower_too = interleave<false>(row[2], row[3]);
  const Floats upper = interleave<true>(row[0], row[1]),
               upper_too = interleave<true>(row[2], row[3]);
  store(to, join<false>(lower, lower_too));
  store(to + to_stride, join<true>(lower, lower_too));
  store(to + 2 * to_stride, join<false>(upper, upper_too));
  store(to + 3 * to_stride, join<true>(upper, upper_too));
}

/// 0, 1, 2 ...
CRESCENT_INLINE Floats lane_numbers() {
  Floats x{};
  for (int lane = 0; lane < kLanes; ++lane) x[lane] = static_cast<float>(lane);
  return x;
}

/// The first `count` lanes, 0 <= count < kLanes; the others are 0 and nothing behind is touched.
CRESCENT_INLINE Floats load_first(const float* from, int64_t count) {
#if defined(__AVX512F__)
  return (Floats)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from);
#elif defined(__AVX2__)
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane);
  return (Floats)_mm256_maskload_ps(from, mask);
#else
  Floats x{};
  for (int64_t lane = 0; lane < count; ++lane) x[lane] = from[lane];
  return x;
#endif
}

CRESCENT_INLINE void store_first(float* to, Floats x, int64_t count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), (__m512)x);
#elif defined(__AVX2__)
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane);
  _mm256_maskstore_ps(to, mask, (__m256)x);
#else
  for (int64_t lane = 0; lane < count; ++lane) to[lane] = x[lane];
#endif
}

CRESCENT_INLINE Floats load_some(const float* from, int64_t lanes) {
  return lanes >= kLanes ? load(from) : load_first(from, lanes);
}
CRESCENT_INLINE void store_some(float* to, Floats x, int64_t lanes) {
  if (lanes >= kLanes) {
    store(to, x);
  } else {
    store_first(to, x, lanes);
  }
}

/// a b + c, rounded once where the instruction set has it.
CRESCENT_INLINE Floats fma(Floats a, Floats b, Floats c) {
#if defined(__AVX512F__)
  return (Floats)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
  return (Floats)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}

CRESCENT_INLINE Floats greater_of(Floats a, Floats b) { return a > b ? a : b; }

/// Sums of the lanes of four vectors, each in the same order: (0 + 1) + (2 + 3) of each four lanes,
/// the fours by halves.
CRESCENT_INLINE Four sums_of(Floats a, Floats b, Floats c, Floats d) {
#if defined(__AVX2__)
  const auto fold = [](Floats x) __attribute__((always_inline)) {
#  if defined(__AVX512F__)
    return (__m256)(__builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
                    __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15));
#  else
    return (__m256)x;
#  endif
  };
  const __m256 halves =
      _mm256_hadd_ps(_mm256_hadd_ps(fold(a), fold(b)), _mm256_hadd_ps(fold(c), fold(d)));
  return __builtin_shufflevector(halves, halves, 0, 1, 2, 3) +
         __builtin_shufflevector(halves, halves, 4, 5, 6, 7);
#else
  return Four{(a[0] + a[1]) + (a[2] + a[3]), (b[0] + b[1]) + (b[2] + b[3]),
              (c[0] + c[1]) + (c[2] + c[3]), (d[0] + d[1]) + (d[2] + d[3])};
#endif
}

CRESCENT_INLINE float sum_of(Floats x) { return sums_of(x, x, x, x)[0]; }

/// The greatest lane, of floats or of integers.
template <class Vector>
CRESCENT_INLINE auto greatest_of(Vector x) {
  const auto greater = [](auto a, auto b) __attribute__((always_inline)) { return a > b ? a : b; };
  auto most = __builtin_shufflevector(x, x, 0, 1, 2, 3);
#if defined(__AVX2__)
  most = greater(most, __builtin_shufflevector(x, x, 4, 5, 6, 7));
#endif
#if defined(__AVX512F__)
  most = greater(most, greater(__builtin_shufflevector(x, x, 8, 9, 10, 11),
                               __builtin_shufflevector(x, x, 12, 13, 14, 15)));
#endif
  most = greater(most, __builtin_shufflevector(most, most, 2, 3, 0, 1));
  return most[0] > most[1] ? most[0] : most[1];
}

/// e^x within 2 units in the last place; 0 below -87.3 (where results would be denormal), infinite
/// from 88.38 on, NaN for NaN. 2^n e^r with |r| <= ln 2 / 2; the polynomial is Cephes' expf.
CRESCENT_INLINE Floats exp_of(Floats x) {
  constexpr float kLeast = -87.3f, kMost = 88.37f;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: the sum's last bits are the integer
  const Floats within = x < kLeast ? all(kLeast) : x > kMost ? all(kMost) : x;
  const Floats shifted = fma(within, all(1.44269504088896341f), all(kRound));
  const Floats n = shifted - kRound;
  const Floats r = fma(n, all(2.12194440e-4f), fma(n, all(-0.693359375f), within));
  Floats y = fma(all(1.9875691500e-4f), r, all(1.3981999507e-3f));
  y = fma(y, r, all(8.3334519073e-3f));
  y = fma(y, r, all(4.1665795894e-2f));
  y = fma(y, r, all(1.6666665459e-1f));
  y = fma(y, r, all(5.0000001201e-1f));
  y = fma(y, r * r, r) + 1.0f;
  const Floats scaled = (Floats)((Ints)y + ((Ints)shifted << 23));
  const Floats bounded = x < kLeast ? Floats{} : x > kMost ? all(__builtin_inff()) : scaled;
  return x != x ? x : bounded;
}

}  // namespace crescent::kernels::CRESCENT_ISA
