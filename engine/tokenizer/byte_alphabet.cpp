#include "engine/tokenizer/byte_alphabet.h"

#include <array>

#include "engine/tokenizer/unicode.h"

namespace crescent::byte_alphabet {
namespace {

constexpr int kNone = -1;
constexpr uint32_t kEnd = 0x100 + 68;  // one past the last character of the alphabet

struct Tables {
  std::array<uint16_t, 256> character{};
  std::array<int16_t, kEnd> byte{};
};

constexpr bool stands_for_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr Tables make_tables() {
  Tables tables;
  tables.byte.fill(kNone);
  uint16_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const uint16_t code = stands_for_itself(byte) ? static_cast<uint16_t>(byte) : next++;
    tables.character[byte] = code;
    tables.byte[code] = static_cast<int16_t>(byte);
  }
  return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

uint32_t character_of(uint8_t byte) { return kTables.character[byte]; }

void append_spelling(std::string& spelling, std::string_view bytes) {
  for (const char byte : bytes) {
    unicode::append_character(spelling, character_of(static_cast<uint8_t>(byte)));
  }
}

std::optional<std::string> bytes_of(std::string_view spelling) {
  std::string bytes;
  bytes.reserve(spelling.size());
  while (!spelling.empty()) {
    const unicode::Piece piece = unicode::first_piece(spelling);
    if (piece.code >= kEnd || kTables.byte[piece.code] == kNone) return std::nullopt;
    bytes.push_back(static_cast<char>(kTables.byte[piece.code]));
    spelling.remove_prefix(piece.length);
  }
  return bytes;
}

}  // namespace crescent::byte_alphabet
