#include "engine/dtype.h"

#include <array>
#include <utility>

namespace crescent {
namespace {

constexpr std::array<std::pair<Dtype, std::string_view>, 10> kNames{{
    {Dtype::float64, "float64"},
    {Dtype::float32, "float32"},
    {Dtype::float16, "float16"},
    {Dtype::bfloat16, "bfloat16"},
    {Dtype::int64, "int64"},
    {Dtype::int32, "int32"},
    {Dtype::int16, "int16"},
    {Dtype::int8, "int8"},
    {Dtype::uint8, "uint8"},
    {Dtype::boolean, "bool"},
}};

}  // namespace

std::string_view name_of(Dtype dtype) {
  for (const auto& [value, name] : kNames) {
    if (value == dtype) return name;
  }
  return "";
}

std::optional<Dtype> dtype_from_name(std::string_view name) {
  for (const auto& [value, known] : kNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

}  // namespace crescent
