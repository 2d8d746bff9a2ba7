#pragma once
// Vectors of 16-bit integers, and rows of x as such. Included by kernels' sources only; see simd.h.
//
// Where w is integers with a scale, few rows of x are rounded to 15 bits and a sign in groups of
// 32, each with a scale of its own: pairs of products are then added by one instruction, without
// widening w to floats. A group's sum is exact (32 * 127 * 32767 < 2^31, and its fours < 2^24), so
// what this costs is the rounding of x: 2^-16 of a group's greatest |x|, beside 2^-8 (int8) or
// 2^-5 (int4) of the weights'. 2.5 times as fast for int4 and 1.8 for int8 (Zen 3, w in the second
// cache); 8 bits of x would be another quarter for int4 and nothing for int8.
#include "engine/kernels/widen.h"

namespace crescent::kernels::CRESCENT_ISA {

typedef int16_t Shorts __attribute__((vector_size(kVectorBytes)));
typedef int16_t ShortsInMemory __attribute__((vector_size(kVectorBytes), aligned(2), may_alias));
typedef int16_t HalfShorts __attribute__((vector_size(kVectorBytes / 2)));
constexpr int kShorts = kVectorBytes / 2;

CRESCENT_INLINE Shorts load_shorts(const int16_t* from) {
  return *reinterpret_cast<const ShortsInMemory*>(from);
}

/// kShorts of int8.
CRESCENT_INLINE Shorts shorts_of_int8(const int8_t* from) {
#if defined(__AVX512F__)
  return (Shorts)_mm512_maskz_cvtepi8_epi16(~0u, _mm256_loadu_si256((const __m256i_u*)from));
#elif defined(__AVX2__)
  return (Shorts)_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i_u*)from));
#else
  typedef int8_t Bytes __attribute__((vector_size(kShorts)));
  Bytes x;
  __builtin_memcpy(&x, from, sizeof x);
  return __builtin_convertvector(x, Shorts);
#endif
}

/// sum + products of neighbours, two by two. vpdpwssd does in one instruction what takes two
/// without it, to the bit.
CRESCENT_INLINE Ints plus_pair_products(Ints sum, Shorts a, Shorts b) {
#if defined(__AVX512VNNI__)
  return (Ints)_mm512_maskz_dpwssd_epi32(0xffff, (__m512i)sum, (__m512i)a, (__m512i)b);
#elif defined(__AVXVNNI__)
  return (Ints)_mm256_dpwssd_avx_epi32((__m256i)sum, (__m256i)a, (__m256i)b);
#elif defined(__AVX512F__)
  return sum + (Ints)_mm512_maskz_madd_epi16(0xffff, (__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return sum + (Ints)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return sum + (Ints)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
  for (int i = 0; i < kLanes; ++i) sum[i] += a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1];
  return sum;
#endif
}

/// Groups of int4 in a vector: 16 bytes each. A row ends in at least as many bytes of scales as a
/// vector of 32 bytes reads too far; one of 64 reads only what is `left`, 1 group or more.
constexpr int64_t kSides = kVectorBytes / 16;
CRESCENT_INLINE Shorts load_int4_groups(const unsigned char* from, int64_t left) {
#if defined(__AVX512F__)
  const auto mask = static_cast<__mmask8>(left < kSides ? (1u << 2 * left) - 1 : 0xff);
  return (Shorts)_mm512_maskz_loadu_epi64(mask, from);
#else
  (void)left;
  return load_shorts(reinterpret_cast<const int16_t*>(from));
#endif
}
/// The i-th four bits of each.
CRESCENT_INLINE Shorts four_bits(Shorts words, int i) {
  typedef uint16_t Unsigned __attribute__((vector_size(kVectorBytes)));
  const auto shifted = i == 0 ? (Unsigned)words : (Unsigned)words >> 4 * i;
  return (Shorts)(i == 3 ? shifted : shifted & 15);
}
/// Each of kSides numbers in the four lanes of its group.
CRESCENT_INLINE Floats spread_sides(const float* from) {
#if defined(__AVX512F__)
  const __m512i side = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  return (Floats)_mm512_maskz_permutexvar_ps(
      0xffff, side, _mm512_maskz_broadcast_f32x4(0xffff, _mm_loadu_ps(from)));
#elif defined(__AVX2__)
  return (Floats)_mm256_insertf128_ps(_mm256_broadcast_ss(from), _mm_broadcast_ss(from + 1), 1);
#else
  return all(*from);
#endif
}

constexpr int64_t kRoomGroups = (kBlockGroups + kLanes - 1) / kLanes * kLanes;

/// A block of K of one row of x, in groups of integers.
struct IntegerBlock {
  alignas(64) int16_t x[kRoomGroups * kGroup];
  alignas(64) float scale[kRoomGroups];  ///< x = scale * integer; 0 behind the last group
  alignas(64) float sum[kRoomGroups];    ///< of a group's x, as rounded
};

/// Where the integers of a group lie: as they come, for int8; or, for int4, kSides groups side by
/// side, 8 of each at a time, which is how a vector of w has them.
enum class Order { as_they_come, side_by_side };

/// A group, rounded. One with a number that is not finite becomes NaN as a whole.
CRESCENT_INLINE void round_group(const float* x, int16_t* to, float& scale, float& sum) {
  constexpr float kMost = 32767, kRound = 12582912;  // 1.5 * 2^23: see exp_of
  constexpr float kLeast = 1e-30f;                   // below, 1 / scale would be infinite
  Ints most = {};
  for (int j = 0; j < kVectors; ++j) {
    const Ints bits = (Ints)load(x + j * kLanes) & 0x7fffffff;
    most = bits > most ? bits : most;  // as of floats that are 0 or more
  }
  const int32_t greatest_bits = greatest_of(most);
  float greatest;
  __builtin_memcpy(&greatest, &greatest_bits, sizeof greatest);
  const bool finite = greatest_bits < 0x7f800000;
  const float per_unit = finite && greatest >= kLeast ? kMost / greatest : 0;
  Ints total = {};
  for (int j = 0; j < kVectors; ++j) {
    const Floats shifted = load(x + j * kLanes) * per_unit + kRound;
    const Ints whole = per_unit > 0 ? (Ints)shifted - (Ints)all(kRound) : Ints{};
    const auto shorts = __builtin_convertvector(whole, HalfShorts);
    __builtin_memcpy(to + j * kLanes, &shorts, sizeof shorts);
    total += whole;
  }
  scale = finite ? (per_unit > 0 ? greatest / kMost : 0) : __builtin_nanf("");
  sum = scale * sum_of(floats_of(total));  // integers below 2^24: exact
}

/// `count` inputs of a row.
inline void round_block(const float* x, int64_t count, Order order, IntegerBlock& to) {
  for (int64_t g = 0; g < kRoomGroups; ++g) to.scale[g] = to.sum[g] = 0;
  const int64_t groups = (count + kGroup - 1) / kGroup;
  for (int64_t g = 0; g < (groups + kSides - 1) / kSides * kSides; ++g) {
    alignas(64) int16_t whole[kGroup] = {};
    alignas(64) float padded[kGroup] = {};
    const int64_t here = count - g * kGroup;
    const float* from = x + g * kGroup;
    if (here < kGroup) {
      for (int64_t i = 0; i < here; ++i) padded[i] = from[i];
      from = padded;
    }
    if (here > 0) round_group(from, whole, to.scale[g], to.sum[g]);
    if (order == Order::as_they_come) {
      __builtin_memcpy(to.x + g * kGroup, whole, sizeof whole);
      continue;
    }
    constexpr int64_t kEight = 8;
    int16_t* const place = to.x + g / kSides * kSides * kGroup + g % kSides * kEight;
    for (int64_t i = 0; i < kGroup / kEight; ++i)
      __builtin_memcpy(place + i * kSides * kEight, whole + i * kEight, kEight * sizeof(int16_t));
  }
}

}  // namespace crescent::kernels::CRESCENT_ISA
