#include "engine/formats/describe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace crescent {
namespace {

constexpr size_t kBytesMax = 80;

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Where the next character ends; of a broken one, its first byte alone.
size_t character_end(std::string_view text, size_t begin) {
  size_t end = begin + 1;
  while (end < text.size() && continues_character(text[end])) ++end;
  return end;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

/// What a terminal obeys (C0, delete, and C1, which UTF-8 spells C2 80 to C2 9F) or can't show.
bool is_unprintable(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return is_control(character[0]) || first >= 0x80;
  return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

}  // namespace

std::string in_quotes(std::string_view name) {
  std::string text = "'";
  size_t end = 0;
  for (size_t begin = 0; begin < name.size(); begin = end) {
    end = character_end(name, begin);
    if (end > kBytesMax) return text + "...'";
    const std::string_view character = name.substr(begin, end - begin);
    if (is_unprintable(character)) {
      for (const char byte : character) {
        text += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
      }
    } else {
      text += character;
    }
  }
  return text + "'";
}

bool is_free_of_controls(std::string_view name) {
  return std::none_of(name.begin(), name.end(), is_control);
}

std::string shape_text(std::span<const int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::string describe(const nlohmann::json& value) {
  switch (value.type()) {
    case nlohmann::json::value_t::string: return in_quotes(value.get_ref<const std::string&>());
    case nlohmann::json::value_t::array: return fmt::format("a list of {}", value.size());
    case nlohmann::json::value_t::object: return "an object";
    case nlohmann::json::value_t::binary: return "binary data";
    case nlohmann::json::value_t::discarded: return "nothing";
    default: return value.dump();  // null, true, false, a number
  }
}

std::optional<uint64_t> whole_number(const nlohmann::json& value) {
  const bool is_negative = !value.is_number_unsigned() && value.is_number_integer() &&
                           value.get_ref<const nlohmann::json::number_integer_t&>() < 0;
  if (!value.is_number_integer() || is_negative) return std::nullopt;
  return value.get<uint64_t>();
}

}  // namespace crescent
