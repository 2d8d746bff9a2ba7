#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tests/support.h"

namespace crescent {

inline std::string fixture(std::string_view name) {
  return fmt::format("{}/{}", CRESCENT_FIXTURES, name);
}

/// The bytes of a safetensors file with this header and so many bytes of data.
inline std::string safetensors_bytes(std::string_view header, size_t data_bytes) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) {
    bytes += static_cast<char>(static_cast<uint64_t>(header.size()) >> (8 * i));
  }
  bytes += header;
  for (size_t i = 0; i < data_bytes; ++i) bytes += static_cast<char>(i);
  return bytes;
}

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace crescent
