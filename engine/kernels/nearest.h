#pragma once
#include <bit>
#include <cstdint>

namespace crescent::kernels {

/// To nearest even, for |x| < 2^22. std::nearbyint is a call on CPUs without SSE 4.1.
inline int nearest(float x) {
  constexpr float kShift = 12582912.0f;  // 1.5 * 2^23: the sum's last bits are the integer
  return std::bit_cast<int32_t>(x + kShift) - std::bit_cast<int32_t>(kShift);
}

}  // namespace crescent::kernels
