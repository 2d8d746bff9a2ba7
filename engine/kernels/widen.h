#pragma once
// Numbers that are stored narrower, as floats. Included by kernels' sources only; see simd.h.
//
// All products here are exact (16 bits by 8), so that fused and plain ones agree, and every
// instruction set gives what `dequantize` does.
#include "engine/kernels/simd.h"
#include "engine/kernels/stored.h"

namespace crescent::kernels::CRESCENT_ISA {

constexpr int64_t kInputsBlock = 768;  ///< of K: partial sums are added up at its multiples
constexpr int64_t kBlockGroups = kInputsBlock / kGroup;
constexpr int kVectors = int{kGroup} / kLanes;  ///< of a group

typedef uint32_t Words __attribute__((vector_size(kVectorBytes)));

/// What a group takes, without its scale.
constexpr int64_t group_bytes(Width width) {
  return width == Width::fp32   ? 4 * kGroup
         : width == Width::bf16 ? 2 * kGroup
         : width == Width::int4 ? kGroup / 2
                                : kGroup;
}

/// The floats of a group.
struct Wide {
  Floats of[kVectors];
};

// With AVX-512 the forms with a mask: g++ 12 warns of the plain ones' undefined lanes.
CRESCENT_INLINE Floats floats_of(Ints x) { return __builtin_convertvector(x, Floats); }

/// One vector of bf16.
CRESCENT_INLINE Floats load_bf16(const uint16_t* from) {
#if defined(__AVX512F__)
  const auto words =
      (Words)_mm512_maskz_cvtepu16_epi32(0xffff, _mm256_loadu_si256((const __m256i_u*)from));
#elif defined(__AVX2__)
  const auto words = (Words)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i_u*)from));
#else
  const Words words = {from[0], from[1], from[2], from[3]};
#endif
  return (Floats)(words << 16);
}

/// One vector of int8.
CRESCENT_INLINE Floats load_int8(const int8_t* from) {
#if defined(__AVX512F__)
  return floats_of(
      (Ints)_mm512_maskz_cvtepi8_epi32(0xffff, _mm_loadu_si128((const __m128i_u*)from)));
#elif defined(__AVX2__)
  return floats_of((Ints)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i_u*)from)));
#else
  return floats_of(Ints{from[0], from[1], from[2], from[3]});
#endif
}

/// A group of int4.
CRESCENT_INLINE Wide load_int4(const uint16_t* from) {
  Wide wide;
#if defined(__AVX512F__)
  const __m256i twice = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i_u*)from));
  auto words = (Words)_mm512_maskz_cvtepu16_epi32(0xffff, twice);
  words >>= Words{0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 4, 4};
  for (int j = 0; j < kVectors; ++j) wide.of[j] = floats_of((Ints)(words >> 8 * j & 15));
#elif defined(__AVX2__)
  const auto words = (Words)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i_u*)from));
  for (int j = 0; j < kVectors; ++j) wide.of[j] = floats_of((Ints)(words >> 4 * j & 15));
#else
  for (int j = 0; j < kVectors; ++j)
    for (int lane = 0; lane < kLanes; ++lane) {
      const int i = j * kLanes + lane;
      wide.of[j][lane] = static_cast<float>(from[i % 8] >> i / 8 * 4 & 15);
    }
#endif
  return wide;
}

inline float float_of(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16, magnitude = half & 0x7fffu;
  float x;
  uint32_t bits = (magnitude << 13) + (magnitude < 0x7c00 ? 0x38000000u : 0x70000000u);
  if (magnitude < 0x400) {
    x = static_cast<float>(magnitude) * 0x1p-24f;
    __builtin_memcpy(&bits, &x, sizeof bits);
  }
  bits |= sign;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

/// fp16 to floats.
CRESCENT_INLINE void load_halves(const uint16_t* from, int64_t count, float* to) {
  int64_t i = 0;
#if defined(__AVX2__)
  for (; i + 8 <= count; i += 8)
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i_u*)(from + i))));
  for (; i < count; ++i) to[i] = _cvtsh_ss(from[i]);
#else
  for (; i < count; ++i) to[i] = float_of(from[i]);
#endif
}

/// Up to kInputsBlock inputs of a row, from a multiple of kGroup on. `at` gives a whole group as
/// floats, `rest` the inputs that are left of one, `place` where a group lies; int8 without the
/// row's scale.
template <Width kWidth>
class Reader;

template <>
class Reader<Width::fp32> {
 public:
  CRESCENT_INLINE void start(const Stored& w, int64_t row, int64_t, int64_t k, int64_t) {
    data_ = static_cast<const float*>(from_row(w, row).data) + k;
  }
  CRESCENT_INLINE Wide at(int64_t group) const {
    Wide wide;
    for (int j = 0; j < kVectors; ++j) wide.of[j] = load(data_ + group * kGroup + j * kLanes);
    return wide;
  }
  CRESCENT_INLINE Wide rest(int64_t group, int64_t count) const {
    alignas(64) float padded[kGroup] = {};
    for (int64_t i = 0; i < count; ++i) padded[i] = data_[group * kGroup + i];
    Wide wide;
    for (int j = 0; j < kVectors; ++j) wide.of[j] = load(padded + j * kLanes);
    return wide;
  }
  CRESCENT_INLINE const void* place(int64_t group) const { return data_ + group * kGroup; }

 private:
  const float* data_;
};

template <>
class Reader<Width::bf16> {
 public:
  CRESCENT_INLINE void start(const Stored& w, int64_t row, int64_t, int64_t k, int64_t) {
    data_ = static_cast<const uint16_t*>(from_row(w, row).data) + k;
  }
  CRESCENT_INLINE Wide at(int64_t group) const {
    Wide wide;
    for (int j = 0; j < kVectors; ++j) wide.of[j] = load_bf16(data_ + group * kGroup + j * kLanes);
    return wide;
  }
  CRESCENT_INLINE Wide rest(int64_t group, int64_t count) const {
    uint16_t padded[kGroup] = {};
    for (int64_t i = 0; i < count; ++i) padded[i] = data_[group * kGroup + i];
    Wide wide;
    for (int j = 0; j < kVectors; ++j) wide.of[j] = load_bf16(padded + j * kLanes);
    return wide;
  }
  CRESCENT_INLINE const void* place(int64_t group) const { return data_ + group * kGroup; }

 private:
  const uint16_t* data_;
};

template <>
class Reader<Width::int8> {
 public:
  CRESCENT_INLINE void start(const Stored& w, int64_t row, int64_t, int64_t k, int64_t) {
    data_ = static_cast<const int8_t*>(from_row(w, row).data) + k;
  }
  CRESCENT_INLINE Wide at(int64_t group) const {
    Wide wide;
    for (int j = 0; j < kVectors; ++j) wide.of[j] = load_int8(data_ + group * kGroup + j * kLanes);
    return wide;
  }
  CRESCENT_INLINE Wide rest(int64_t group, int64_t) const { return at(group); }
  CRESCENT_INLINE const void* place(int64_t group) const { return data_ + group * kGroup; }

 private:
  const int8_t* data_;
};

template <>
class Reader<Width::int8_grouped> {
 public:
  CRESCENT_INLINE void start(const Stored& w, int64_t row, int64_t inputs, int64_t k,
                             int64_t count) {
    const auto* const data = static_cast<const int8_t*>(from_row(w, row).data);
    const int64_t groups = (inputs + kGroup - 1) / kGroup;
    data_ = data + k;
    load_halves(reinterpret_cast<const uint16_t*>(data + groups * kGroup) + k / kGroup,
                (count + kGroup - 1) / kGroup, scales_);
  }
  CRESCENT_INLINE Wide at(int64_t group) const {
    const Floats scale = all(scales_[group]);
    Wide wide;
    for (int j = 0; j < kVectors; ++j)
      wide.of[j] = load_int8(data_ + group * kGroup + j * kLanes) * scale;
    return wide;
  }
  CRESCENT_INLINE Wide rest(int64_t group, int64_t) const { return at(group); }
  CRESCENT_INLINE const void* place(int64_t group) const { return data_ + group * kGroup; }

 private:
  const int8_t* data_;
  float scales_[kBlockGroups];
};

template <>
class Reader<Width::int4> {
 public:
  CRESCENT_INLINE void start(const Stored& w, int64_t row, int64_t inputs, int64_t k,
                             int64_t count) {
    const auto* const data = static_cast<const unsigned char*>(from_row(w, row).data);
    const int64_t groups = (inputs + kGroup - 1) / kGroup;
    const int64_t here = (count + kGroup - 1) / kGroup;
    data_ = reinterpret_cast<const uint16_t*>(data) + k / 4;
    const auto* const scales =
        reinterpret_cast<const uint16_t*>(data + groups * (kGroup / 2)) + k / kGroup;
    load_halves(scales, here, scales_);
    load_halves(scales + groups, here, minimums_);
  }
  CRESCENT_INLINE Wide at(int64_t group) const {
    const Floats scale = all(scales_[group]), minimum = all(minimums_[group]);
    Wide wide = load_int4(data_ + group * 8);
    for (int j = 0; j < kVectors; ++j) wide.of[j] = fma(wide.of[j], scale, minimum);
    return wide;
  }
  CRESCENT_INLINE Wide rest(int64_t group, int64_t) const { return at(group); }
  CRESCENT_INLINE const void* place(int64_t group) const { return data_ + group * 8; }

 private:
  const uint16_t* data_;
  float scales_[kBlockGroups], minimums_[kBlockGroups];
};

/// `count` inputs, at most kInputsBlock, from `k` on, a multiple of kGroup, of a row with `inputs`.
/// @param to  has room for whole groups; what is behind `count` has no meaning.
template <Width kWidth>
CRESCENT_INLINE void widen(const Stored& w, int64_t row, int64_t inputs, int64_t k, int64_t count,
                           float* to) {
  Reader<kWidth> reader;
  reader.start(w, row, inputs, k, count);
  const int64_t groups = count / kGroup;
  for (int64_t group = 0; group < groups; ++group) {
    const Wide wide = reader.at(group);
    for (int j = 0; j < kVectors; ++j) store(to + group * kGroup + j * kLanes, wide.of[j]);
  }
  if (groups * kGroup < count) {
    const Wide wide = reader.rest(groups, count - groups * kGroup);
    for (int j = 0; j < kVectors; ++j) store(to + groups * kGroup + j * kLanes, wide.of[j]);
  }
}

/// Calls what it is given with the width as a constant.
template <class F>
CRESCENT_INLINE void with_width(Width width, F f) {
  switch (width) {
    case Width::fp32: return f.template operator()<Width::fp32>();
    case Width::bf16: return f.template operator()<Width::bf16>();
    case Width::int8: return f.template operator()<Width::int8>();
    case Width::int8_grouped: return f.template operator()<Width::int8_grouped>();
    case Width::int4: return f.template operator()<Width::int4>();
  }
}

}  // namespace crescent::kernels::CRESCENT_ISA
