// Rows of floats stored narrower, to the bit as stored.cpp does it. Compiled once per instruction
// set: a cache gets such rows with every token, in every layer.
#include "engine/kernels/parts.h"
#include "engine/kernels/simd.h"
#include "engine/kernels/widen.h"

namespace crescent::kernels::CRESCENT_ISA {
namespace {

constexpr int kMagnitude = 0x7fffffff, kInfinity = 0x7f800000, kLeastNormal = 0x00800000;
constexpr float kMost = 127;

float float_of_bits(int32_t bits) {
  float x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}
int32_t bits_of(float x) {
  int32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}

/// The lower 16 bits of each lane; of what they hold, the first `lanes`.
CRESCENT_INLINE void store_halves(uint16_t* to, Words x, int64_t lanes) {
  if (lanes >= kLanes) {
#if defined(__AVX512F__)
    _mm256_storeu_si256((__m256i_u*)to, _mm512_maskz_cvtepi32_epi16(0xffff, (__m512i)x));
    return;
#elif defined(__AVX2__)
    const auto whole = (__m256i)x;
    _mm_storeu_si128((__m128i_u*)to, _mm_packus_epi32(_mm256_castsi256_si128(whole),
                                                      _mm256_extracti128_si256(whole, 1)));
    return;
#endif
  }
  for (int64_t lane = 0; lane < kLanes && lane < lanes; ++lane)
    to[lane] = static_cast<uint16_t>(x[lane]);
}

/// The lowest byte of each lane of a group.
CRESCENT_INLINE void store_bytes(int8_t* to, const Ints (&x)[kVectors]) {
#if defined(__AVX512F__)
  for (int j = 0; j < kVectors; ++j)
    _mm_storeu_si128((__m128i_u*)(to + j * kLanes),
                     _mm512_maskz_cvtepi32_epi8(0xffff, (__m512i)x[j]));
#elif defined(__AVX2__)
  // Packing goes by halves of vectors: fours of each of x[0], x[1], x[2], x[3], then the others.
  const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32((__m256i)x[0], (__m256i)x[1]),
                                           _mm256_packs_epi32((__m256i)x[2], (__m256i)x[3]));
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  _mm256_storeu_si256((__m256i_u*)to, _mm256_permutevar8x32_epi32(bytes, order));
#else
  for (int64_t i = 0; i < kGroup; ++i) to[i] = static_cast<int8_t>(x[i / kLanes][i % kLanes]);
#endif
}

void row_to_bf16(const float* x, int64_t count, uint16_t* to) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const auto bits = (Words)load_some(x + i, count - i);
    const Words rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    const auto is_nan = (Words)((Ints)(bits & kMagnitude) > kInfinity);
    store_halves(to + i, (is_nan & (bits >> 16 | 0x40)) | (~is_nan & rounded), count - i);
  }
}

/// The greatest |x| as bits: of two positive floats, the greater one's are the greater integer.
int32_t greatest_magnitude(const float* x, int64_t count) {
  Ints most{};
  for (int64_t i = 0; i < count; i += kLanes) {
    const Ints bits = (Ints)load_some(x + i, count - i) & kMagnitude;
    most = bits > most ? bits : most;
  }
  int32_t found = 0;
  for (int lane = 0; lane < kLanes; ++lane) found = most[lane] > found ? most[lane] : found;
  return found;
}

/// @return the row's scale. Padding becomes 0.
float row_to_int8(const float* x, int64_t count, int8_t* to) {
  const int64_t padded = (count + kGroup - 1) / kGroup * kGroup;
  const int32_t most = greatest_magnitude(x, count);
  // 16 bits of it: see stored.cpp.
  const int32_t rounded =
      most < kInfinity ? (bits_of(float_of_bits(most) / kMost) + 0x80) & ~0xff : 0;
  if (rounded < kLeastNormal) {
    for (int64_t i = 0; i < padded; ++i) to[i] = 0;
    return most < kInfinity ? 0 : __builtin_nanf("");
  }
  const float scale = float_of_bits(rounded);
  constexpr float kShift = 12582912.0f;  // 1.5 * 2^23: the sum's last bits are the integer
  for (int64_t group = 0; group < padded; group += kGroup) {
    Ints q[kVectors];
    for (int j = 0; j < kVectors; ++j) {
      const int64_t i = group + j * kLanes;
      const Floats steps = i < count ? load_some(x + i, count - i) / scale : Floats{};
      const Floats within = steps < -kMost ? all(-kMost) : steps > kMost ? all(kMost) : steps;
      q[j] = (Ints)(within + kShift) - bits_of(kShift);
    }
    store_bytes(to + group, q);
  }
  return scale;
}

}  // namespace

void quantize(const Quantization& job, Rows rows) {
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const float* const x = job.from + row * job.from_stride;
    char* const to = static_cast<char*>(job.to) + row * job.to_stride;
    if (job.width == Width::fp32) {
      __builtin_memcpy(to, x, static_cast<size_t>(job.inputs) * sizeof(float));
    } else if (job.width == Width::bf16) {
      row_to_bf16(x, job.inputs, reinterpret_cast<uint16_t*>(to));
    } else {
      job.scales[row] = row_to_int8(x, job.inputs, reinterpret_cast<int8_t*>(to));
    }
  }
}

}  // namespace crescent::kernels::CRESCENT_ISA
