#pragma once
#include <cstdint>
#include <initializer_list>
#include <limits>

namespace crescent {

// Sizes of memory before it is asked for: more than there can be stays more than there is, so that
// whoever asks is refused in words. For numbers >= 0.

/// The largest int64 where the sum is more.
inline int64_t saturated_sum(int64_t a, int64_t b) {
  int64_t all = 0;
  return __builtin_add_overflow(a, b, &all) ? std::numeric_limits<int64_t>::max() : all;
}

/// The largest int64 where the product is more.
inline int64_t saturated_product(std::initializer_list<int64_t> factors) {
  int64_t all = 1;
  for (const int64_t factor : factors)
    if (__builtin_mul_overflow(all, factor, &all)) return std::numeric_limits<int64_t>::max();
  return all;
}

}  // namespace crescent
