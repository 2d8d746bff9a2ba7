#pragma once
#include <string>
#include <string_view>

namespace crescent {

/// Text from a file as an error message may show it: in quotes, control characters escaped, cut
/// after 40 bytes or so.
std::string in_quotes(std::string_view text);

}  // namespace crescent
