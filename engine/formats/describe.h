#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace crescent {

// Words for error messages. What they describe came from a file, so nothing of it reaches a
// terminal unescaped or at full length.

/// 'name', with control characters and stray bytes as \xNN, cut after 80 bytes.
std::string in_quotes(std::string_view name);

/// No byte below 0x20 and no delete: what a name must be to be shown, stored and typed.
bool is_free_of_controls(std::string_view name);

/// '[2, 3]'; a scalar is '[]'.
std::string shape_text(std::span<const int64_t> shape);

/// A JSON value in short: 12, 'text', null, a list of 3, an object.
std::string describe(const nlohmann::json& value);

/// The number, if it is whole and not negative; 2.0 isn't.
std::optional<uint64_t> whole_number(const nlohmann::json& value);

}  // namespace crescent
