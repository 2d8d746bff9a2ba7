#include "engine/tokenizer/byte_alphabet.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace crescent::byte_alphabet {
namespace {

TEST(ByteAlphabet, SpellsAsGpt2Does) {
  std::string spelling;
  append_spelling(spelling, " a!\n\xC4\x80\xAD");
  EXPECT_EQ(spelling, "Ġa!Ċ\u00C4\u0122\u0143");
}

TEST(ByteAlphabet, GivesEachByteACharacterOfItsOwnAndBack) {
  std::set<uint32_t> characters;
  std::string bytes, spelling;
  for (int byte = 0; byte < 256; ++byte) {
    characters.insert(character_of(static_cast<uint8_t>(byte)));
    bytes.push_back(static_cast<char>(byte));
  }
  EXPECT_EQ(characters.size(), 256u);
  append_spelling(spelling, bytes);
  EXPECT_EQ(bytes_of(spelling), bytes);
}

TEST(ByteAlphabet, HasNoBytesForOtherCharacters) {
  EXPECT_EQ(bytes_of("a b"), std::nullopt);
  EXPECT_EQ(bytes_of("\u00AD"), std::nullopt);
  EXPECT_EQ(bytes_of("\u0144"), std::nullopt);
  EXPECT_EQ(bytes_of("日"), std::nullopt);
}

}  // namespace
}  // namespace crescent::byte_alphabet
