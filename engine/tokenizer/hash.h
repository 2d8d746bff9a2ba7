#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>

namespace crescent {

/// Multiplies and folds: every bit of the result depends on every bit of both.
inline uint64_t mixed(uint64_t a, uint64_t b) {
  const auto product =
      static_cast<unsigned __int128>(a ^ 0x9E3779B97F4A7C15u) * (b ^ 0xD1B54A32D192ED03u);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

/// Not cryptographic. A table over data from outside takes `seed` from all of that data, so that
/// nobody can choose keys that collide without changing the seed by choosing them.
inline uint64_t hash_bytes(std::string_view bytes, uint64_t seed) {
  uint64_t hash = mixed(seed, bytes.size());
  const char* at = bytes.data();
  size_t left = bytes.size();
  uint64_t word = 0;
  for (; left >= 8; at += 8, left -= 8) {
    std::memcpy(&word, at, 8);
    hash = mixed(hash, word);
  }
  word = 0;
  if (left > 0) std::memcpy(&word, at, left);
  return mixed(hash, word);
}

}  // namespace crescent
