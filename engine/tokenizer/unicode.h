#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace crescent::unicode {

/// What stands at the start of some bytes: a character, or the maximal part of a broken one
/// (Unicode 15, section 3.9, "U+FFFD Substitution of Maximal Subparts").
struct Piece {
  enum class State : uint8_t {
    whole,   ///< a character; `code` is it
    broken,  ///< bytes that no continuation can repair
    cut,     ///< the bytes end here, and more of them could still make it a character
  };
  uint32_t code;   ///< U+FFFD unless whole
  uint8_t length;  ///< 1 .. 4 bytes
  State state;
};

/// @param bytes  not empty.
Piece first_piece(std::string_view bytes);

/// The last character of `bytes`; broken if they don't end with a whole one.
Piece last_piece(std::string_view bytes);

/// Appends `code` as UTF-8. @param code a Unicode scalar value.
void append_character(std::string& text, uint32_t code);

/// Appends `bytes` with one U+FFFD for each maximal broken part.
void append_lossy(std::string& text, std::string_view bytes);

bool is_letter(uint32_t code);  ///< \p{L}
bool is_number(uint32_t code);  ///< \p{N}
bool is_space(uint32_t code);   ///< \s: the property White_Space
bool is_word(
    uint32_t code);  ///< \w as in Unicode TS 18, annex C: alphabetic, mark, digit, connector

}  // namespace crescent::unicode
