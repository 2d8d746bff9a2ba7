#pragma once
#include <bit>
#include <cstdint>

namespace crescent {

/// An exponent of all ones is infinite or NaN. On the bits, because the compiler turns this into
/// vector instructions and may not do so for sums of floats.
inline bool all_finite(const float* values, int64_t count) {
  constexpr uint32_t kExponent = 0x7F800000;
  uint32_t bad = 0;
  for (int64_t i = 0; i < count; ++i) {
    bad |= (std::bit_cast<uint32_t>(values[i]) & kExponent) == kExponent;
  }
  return bad == 0;
}

}  // namespace crescent
