#include "engine/tokenizer/gpt2_pattern.h"

#include <array>
#include <cstdint>

#include "engine/tokenizer/unicode.h"

namespace crescent {
namespace {

enum class Class : uint8_t { other, letter, number, space };

Class class_of_code(uint32_t code) {
  if (unicode::is_letter(code)) return Class::letter;
  if (unicode::is_space(code)) return Class::space;
  if (unicode::is_number(code)) return Class::number;
  return Class::other;
}

constexpr Class class_of_ascii(int byte) {
  if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')) return Class::letter;
  if (byte >= '0' && byte <= '9') return Class::number;
  if (byte == ' ' || (byte >= '\t' && byte <= '\r')) return Class::space;
  return Class::other;
}

constexpr std::array<Class, 128> kAscii = [] {
  std::array<Class, 128> table{};
  for (int byte = 0; byte < 128; ++byte) table[byte] = class_of_ascii(byte);
  return table;
}();

struct Character {
  Class kind;
  uint8_t length;
};

Character character_at(std::string_view text, size_t at) {
  const auto byte = static_cast<uint8_t>(text[at]);
  if (byte < 0x80) return {kAscii[byte], 1};
  const unicode::Piece piece = unicode::first_piece(text.substr(at));
  return {class_of_code(piece.code), piece.length};
}

/// The end of the run of `kind` that holds the characters from `at` on.
size_t run_end(std::string_view text, size_t at, Class kind) {
  while (at < text.size()) {
    const Character next = character_at(text, at);
    if (next.kind != kind) break;
    at += next.length;
  }
  return at;
}

/// Length of 's, 't, 're, 've, 'm, 'll or 'd at `at`, where an apostrophe stands; 0 if none.
size_t contraction_length(std::string_view text, size_t at) {
  const std::string_view rest = text.substr(at + 1, 2);
  if (rest.empty()) return 0;
  switch (rest[0]) {
    case 's':
    case 't':
    case 'm':
    case 'd': return 2;
    default: return rest == "re" || rest == "ve" || rest == "ll" ? 3 : 0;
  }
}

/// `\s+(?!\S)|\s+`: white space before a word leaves its last character to that word, if it can.
size_t space_end(std::string_view text, size_t begin) {
  size_t last = begin;
  size_t end = begin;
  while (end < text.size()) {
    const Character next = character_at(text, end);
    if (next.kind != Class::space) return last > begin ? last : end;
    last = end;
    end += next.length;
  }
  return end;
}

}  // namespace

size_t gpt2_word_end(std::string_view text, size_t begin) {
  if (text[begin] == '\'') {
    if (const size_t length = contraction_length(text, begin)) return begin + length;
  }
  size_t body = begin;
  if (text[begin] == ' ') {
    ++body;
    if (body == text.size()) return body;
  }
  const Character first = character_at(text, body);
  if (first.kind == Class::space) return space_end(text, begin);
  return run_end(text, body + first.length, first.kind);
}

}  // namespace crescent
