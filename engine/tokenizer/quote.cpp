#include "engine/tokenizer/quote.h"

#include <fmt/format.h>

#include "engine/tokenizer/unicode.h"

namespace crescent {

std::string in_quotes(std::string_view text) {
  constexpr size_t kShown = 40;
  std::string lossy;
  unicode::append_lossy(lossy, text.substr(0, 4 * kShown));
  std::string result = "'";
  std::string_view rest = lossy;
  for (; !rest.empty() && result.size() <= kShown;) {
    const uint8_t length = unicode::first_piece(rest).length;
    const auto byte = static_cast<unsigned char>(rest[0]);
    if (byte < 0x20 || byte == 0x7F) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += rest.substr(0, length);
    }
    rest.remove_prefix(length);
  }
  if (!rest.empty()) result += "...";
  return result + "'";
}

}  // namespace crescent
