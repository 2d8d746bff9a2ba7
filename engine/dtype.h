#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

namespace crescent {

/// Element types that a checkpoint may hold. Names are those of Lua and of print(model);
/// safetensors spells them differently (`F32`), see formats/safetensors.h.
enum class Dtype { float64, float32, float16, bfloat16, int64, int32, int16, int8, uint8, boolean };

constexpr size_t bytes_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::float64:
    case Dtype::int64: return 8;
    case Dtype::float32:
    case Dtype::int32: return 4;
    case Dtype::float16:
    case Dtype::bfloat16:
    case Dtype::int16: return 2;
    case Dtype::int8:
    case Dtype::uint8:
    case Dtype::boolean: return 1;
  }
  return 0;
}

std::string_view name_of(Dtype dtype);                        ///< 'float32'; boolean is 'bool'
std::optional<Dtype> dtype_from_name(std::string_view name);  ///< the inverse

}  // namespace crescent
