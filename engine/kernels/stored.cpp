#include "engine/kernels/stored.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "engine/kernels/scales.h"

namespace crescent::kernels {
namespace {

constexpr uint32_t kMagnitude = 0x7fffffff, kInfinity = 0x7f800000;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr uint16_t kHalfNan = 0x7e00;
constexpr int kMostInt8 = 127, kMostInt4 = 15;

int64_t groups_of(int64_t inputs) { return (inputs + kGroup - 1) / kGroup; }

uint16_t bf16_of(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if ((bits & kMagnitude) > kInfinity) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// To nearest even, for |x| < 2^22. std::nearbyint is a call on CPUs without SSE 4.1.
int nearest(float x) {
  constexpr float kShift = 12582912.0f;  // 1.5 * 2^23: the sum's last bits are the integer
  return std::bit_cast<int32_t>(x + kShift) - std::bit_cast<int32_t>(kShift);
}

/// The greatest |x|; infinite or NaN if one of them is.
float greatest_magnitude(const float* x, int64_t count) {
  uint32_t most = 0;  // of two positive floats, the greater one's bits are the greater integer
  for (int64_t i = 0; i < count; ++i)
    most = std::max(most, std::bit_cast<uint32_t>(x[i]) & kMagnitude);
  return std::bit_cast<float>(most);
}

/// Scales that are fp16 for `steps` steps over `range`, which is 0 or more.
uint16_t half_scale(float range, float steps) {
  uint16_t scale = half_of(range / steps);
  if ((steps + 0.5f) * float_of_half(scale) < range) ++scale;
  return scale;
}

/// q of `count` numbers, 0 for what pads them. @param scale  0 or a finite number
void to_int8(const float* x, int64_t count, float scale, int8_t* q) {
  for (int64_t i = 0; i < count; ++i) {
    const float steps = scale > 0 ? x[i] / scale : 0;
    q[i] = static_cast<int8_t>(nearest(std::clamp<float>(steps, -kMostInt8, kMostInt8)));
  }
}

/// Has the last word on the scales of a row.
struct Chooser {
  Width width;
  const float* row;
  const float* importance;  ///< of its numbers; null: the plain scales stay
  WeightedError* error;
  /// @param x  somewhere in the row
  Scale of(const float* x, int64_t count, Scale plain) const {
    if (!importance) return plain;
    return choose_scale(width, {x, importance + (x - row), count}, plain, *error);
  }
};

float row_to_int8(const float* x, int64_t inputs, const Chooser& chooser, int8_t* q) {
  std::fill_n(q, groups_of(inputs) * kGroup, int8_t{0});
  const float most = greatest_magnitude(x, inputs);
  if (!std::isfinite(most)) return kNan;
  // 16 bits of it, so that scale * q is exact: what is stored is then stored to the same again.
  const uint32_t plain = (std::bit_cast<uint32_t>(most / kMostInt8) + 0x80) & ~0xffu;
  // A denormal scale would count for nothing where a thread has denormals switched off.
  if (std::bit_cast<float>(plain) < std::numeric_limits<float>::min()) return 0;
  const float scale = chooser.of(x, inputs, {std::bit_cast<float>(plain)}).scale;
  to_int8(x, inputs, scale, q);
  return scale;
}

void row_to_int8_grouped(const float* x, int64_t inputs, const Chooser& chooser, int8_t* q) {
  const int64_t groups = groups_of(inputs);
  auto* const scales = reinterpret_cast<uint16_t*>(q + groups * kGroup);
  std::fill_n(q, groups * kGroup, int8_t{0});
  for (int64_t g = 0; g < groups; ++g) {
    const int64_t count = std::min(kGroup, inputs - g * kGroup);
    const float most = greatest_magnitude(x + g * kGroup, count);
    scales[g] = half_scale(most, kMostInt8);
    if (!std::isfinite(float_of_half(scales[g]))) {
      scales[g] = kHalfNan;
      continue;
    }
    const Scale plain{float_of_half(scales[g])};
    const float scale = chooser.of(x + g * kGroup, count, plain).scale;
    scales[g] = half_of(scale);
    to_int8(x + g * kGroup, count, scale, q + g * kGroup);
  }
}

struct Int4Group {
  uint16_t scale, minimum;
};

/// q of `count` numbers to `words`, which hold zeros.
Int4Group group_to_int4(const float* x, int64_t count, const Chooser& chooser, uint16_t* words) {
  constexpr Int4Group kBroken = {kHalfNan, kHalfNan};
  if (!std::isfinite(greatest_magnitude(x, count))) return kBroken;
  const auto [least, most] = std::minmax_element(x, x + count);
  Int4Group group{0, half_of(*least)};
  if (float_of_half(group.minimum) > *least)  // the next lower one
    group.minimum = static_cast<uint16_t>(group.minimum == 0       ? 0x8001
                                          : group.minimum & 0x8000 ? group.minimum + 1
                                                                   : group.minimum - 1);
  const float lowest = float_of_half(group.minimum);
  group.scale = half_scale(*most - lowest, kMostInt4);
  if (!std::isfinite(lowest) || !std::isfinite(float_of_half(group.scale))) return kBroken;
  const auto [scale, minimum] = chooser.of(x, count, {float_of_half(group.scale), lowest});
  group = {half_of(scale), half_of(minimum)};
  for (int64_t i = 0; i < count; ++i) {
    const float steps = scale > 0 ? (x[i] - minimum) / scale : 0;
    const int q = nearest(std::clamp<float>(steps, 0, kMostInt4));
    words[i % 8] = static_cast<uint16_t>(words[i % 8] | q << i / 8 * 4);
  }
  return group;
}

void row_to_int4(const float* x, int64_t inputs, const Chooser& chooser, unsigned char* to) {
  const int64_t groups = groups_of(inputs);
  auto* const words = reinterpret_cast<uint16_t*>(to);
  auto* const scales = reinterpret_cast<uint16_t*>(to + groups * kGroup / 2);
  std::fill_n(to, groups * kGroup / 2, static_cast<unsigned char>(0));
  for (int64_t g = 0; g < groups; ++g) {
    const int64_t count = std::min(kGroup, inputs - g * kGroup);
    const Int4Group made = group_to_int4(x + g * kGroup, count, chooser, words + 8 * g);
    scales[g] = made.scale;
    scales[groups + g] = made.minimum;
  }
}

}  // namespace

const char* name_of(Width width) {
  switch (width) {
    case Width::fp32: return "fp32";
    case Width::bf16: return "bf16";
    case Width::int8: return "int8";
    case Width::int8_grouped: return "int8_grouped";
    case Width::int4: return "int4";
  }
  return "?";
}

int64_t row_bytes(Width width, int64_t inputs) {
  const auto padded = [](int64_t bytes) { return (bytes + 15) / 16 * 16; };
  const int64_t groups = groups_of(inputs);
  switch (width) {
    case Width::fp32: return inputs * int64_t{sizeof(float)};
    case Width::bf16: return inputs * 2;
    case Width::int8: return groups * kGroup;
    case Width::int8_grouped: return padded(groups * (kGroup + 2));
    case Width::int4: return padded(groups * (kGroup / 2 + 4));
  }
  return 0;
}

void quantize(const Quantization& job, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const float* const x = job.from + row * job.from_stride;
    auto* const to = static_cast<unsigned char*>(job.to) + row * job.to_stride;
    WeightedError error;
    const Chooser chooser{job.width, x, job.importance, &error};
    switch (job.width) {
      case Width::fp32: std::copy_n(x, job.inputs, reinterpret_cast<float*>(to)); break;
      case Width::bf16:
        std::transform(x, x + job.inputs, reinterpret_cast<uint16_t*>(to), bf16_of);
        break;
      case Width::int8:
        job.scales[row] = row_to_int8(x, job.inputs, chooser, reinterpret_cast<int8_t*>(to));
        break;
      case Width::int8_grouped:
        row_to_int8_grouped(x, job.inputs, chooser, reinterpret_cast<int8_t*>(to));
        break;
      case Width::int4: row_to_int4(x, job.inputs, chooser, to); break;
    }
    if (job.errors) job.errors[row] = error;
  }
}

void dequantize(const Stored& from, int64_t inputs, int64_t row, float* to) {
  const auto* const data = static_cast<const unsigned char*>(from.data) + row * from.stride;
  const auto* const halves = reinterpret_cast<const uint16_t*>(data);
  const auto* const bytes = reinterpret_cast<const int8_t*>(data);
  const int64_t groups = groups_of(inputs);
  for (int64_t k = 0; k < inputs; ++k) {
    const int64_t group = k / kGroup, i = k % kGroup;
    switch (from.width) {
      case Width::fp32: to[k] = reinterpret_cast<const float*>(data)[k]; break;
      case Width::bf16: to[k] = std::bit_cast<float>(uint32_t{halves[k]} << 16); break;
      case Width::int8: to[k] = from.scales[row] * bytes[k]; break;
      case Width::int8_grouped:
        to[k] = float_of_half(halves[groups * kGroup / 2 + group]) * bytes[k];
        break;
      case Width::int4: {
        const float scale = float_of_half(halves[groups * kGroup / 4 + group]);
        const float minimum = float_of_half(halves[groups * kGroup / 4 + groups + group]);
        const int q = halves[8 * group + i % 8] >> i / 8 * 4 & 15;
        to[k] = scale * static_cast<float>(q) + minimum;
        break;
      }
    }
  }
}

uint16_t half_of(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & kMagnitude;
  const auto with_sign = [sign](uint32_t half) { return static_cast<uint16_t>(sign | half); };
  if (magnitude > kInfinity) return with_sign(0x7e00 | (magnitude >> 13 & 0x3ff));
  if (magnitude >= 0x477ff000) return with_sign(0x7c00);  // 65520
  if (magnitude < 0x38800000) {                           // 2^-14: denormal
    // 0.5 ends in 2^-24, so the sum is rounded there and its last bits are the denormal.
    const float sum = std::bit_cast<float>(magnitude) + 0.5f;
    return with_sign(std::bit_cast<uint32_t>(sum) - std::bit_cast<uint32_t>(0.5f));
  }
  return with_sign((magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13);
}

float float_of_half(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16, magnitude = half & 0x7fffu;
  const auto with_sign = [sign](uint32_t bits) { return std::bit_cast<float>(sign | bits); };
  if (magnitude >= 0x7c00) return with_sign(kInfinity | magnitude << 13);
  if (magnitude < 0x400)
    return with_sign(std::bit_cast<uint32_t>(static_cast<float>(magnitude) * 0x1p-24f));
  return with_sign((magnitude << 13) + 0x38000000);
}

}  // namespace crescent::kernels
