#include "engine/tokenizer/unicode.h"

#include <utf8proc.h>

#include <algorithm>

namespace crescent::unicode {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

struct Range {
  uint8_t low, high;
};

/// The bytes that may follow a lead byte (Unicode 15, table 3-7): the first continuation is
/// narrower after E0, ED, F0 and F4, which keeps out overlong forms, surrogates and what lies
/// above U+10FFFF.
Range second_byte(uint8_t lead) {
  switch (lead) {
    case 0xE0: return {0xA0, 0xBF};
    case 0xED: return {0x80, 0x9F};
    case 0xF0: return {0x90, 0xBF};
    case 0xF4: return {0x80, 0x8F};
    default: return {0x80, 0xBF};
  }
}

/// Bytes of the character that `lead` opens; 0 if none does.
size_t length_of(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

}  // namespace

Piece first_piece(std::string_view bytes) {
  using enum Piece::State;
  const auto lead = static_cast<uint8_t>(bytes[0]);
  if (lead < 0x80) return {lead, 1, whole};
  const size_t length = length_of(lead);
  if (length == 0) return {0xFFFD, 1, broken};
  uint32_t code = lead & (0x7Fu >> length);
  Range allowed = second_byte(lead);
  for (size_t i = 1; i < length; ++i) {
    if (i == bytes.size()) return {0xFFFD, static_cast<uint8_t>(i), cut};
    const auto next = static_cast<uint8_t>(bytes[i]);
    if (next < allowed.low || next > allowed.high) {
      return {0xFFFD, static_cast<uint8_t>(i), broken};
    }
    code = code << 6 | (next & 0x3Fu);
    allowed = {0x80, 0xBF};
  }
  return {code, static_cast<uint8_t>(length), whole};
}

Piece last_piece(std::string_view bytes) {
  for (size_t back = 1; back <= std::min<size_t>(4, bytes.size()); ++back) {
    const Piece piece = first_piece(bytes.substr(bytes.size() - back));
    if (piece.state == Piece::State::whole && piece.length == back) return piece;
  }
  return {0xFFFD, 1, Piece::State::broken};
}

void append_character(std::string& text, uint32_t code) {
  utf8proc_uint8_t buffer[4];
  const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), buffer);
  text.append(reinterpret_cast<const char*>(buffer), static_cast<size_t>(length));
}

void append_lossy(std::string& text, std::string_view bytes) {
  size_t kept = 0;  // bytes before this one are in `text` already
  size_t at = 0;
  while (at < bytes.size()) {
    const Piece piece = first_piece(bytes.substr(at));
    if (piece.state != Piece::State::whole) {
      text.append(bytes.substr(kept, at - kept)).append(kReplacement);
      kept = at + piece.length;
    }
    at += piece.length;
  }
  text.append(bytes.substr(kept));
}

bool is_letter(uint32_t code) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return true;
    default: return false;
  }
}

bool is_number(uint32_t code) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return true;
    default: return false;
  }
}

bool is_space(uint32_t code) {
  switch (code) {
    case 0x20:
    case 0x85:
    case 0xA0:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x202F:
    case 0x205F:
    case 0x3000: return true;
    default: return (code >= 0x09 && code <= 0x0D) || (code >= 0x2000 && code <= 0x200A);
  }
}

bool is_word(uint32_t code) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC: return true;
    default: break;
  }
  // Alphabetic beyond letters and marks: letters in circles and squares. Join_Control: U+200C,
  // U+200D.
  const bool enclosed =
      (code >= 0x24B6 && code <= 0x24E9) || (code >= 0x1F130 && code <= 0x1F149) ||
      (code >= 0x1F150 && code <= 0x1F169) || (code >= 0x1F170 && code <= 0x1F189);
  return enclosed || code == 0x200C || code == 0x200D || is_letter(code);
}

}  // namespace crescent::unicode
