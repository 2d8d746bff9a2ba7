#pragma once
#include <span>
#include <string>
#include <string_view>

namespace crescent {

/// " (did you mean 'ratio'?)" if a known name is close enough to be a slip, else "".
std::string did_you_mean(std::string_view name, std::span<const std::string_view> known);

}  // namespace crescent
