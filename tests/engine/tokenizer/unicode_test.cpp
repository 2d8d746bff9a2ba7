#include "engine/tokenizer/unicode.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace crescent::unicode {
namespace {

using Codes = std::vector<uint32_t>;

std::string lossy(std::string_view bytes) {
  std::string text;
  append_lossy(text, bytes);
  return text;
}

// Unicode 15, section 3.9, tables 3-8, 3-9, 3-10 and 3-11: one U+FFFD for each maximal subpart.
TEST(LossyText, ReplacesEachMaximalSubpartOnce) {
  EXPECT_EQ(lossy("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), "��������A");
  EXPECT_EQ(lossy("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), "��������A");
  EXPECT_EQ(lossy("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), "�����A��B");
  EXPECT_EQ(lossy("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), "����A");
}

TEST(LossyText, KeepsWhatIsWhole) {
  const std::string text = "a\u00E9\u20AC\U0001F600\U0010FFFF" + std::string(1, '\0');
  EXPECT_EQ(lossy(text), text);
  EXPECT_EQ(lossy(""), "");
}

TEST(FirstPiece, TellsCutFromBroken) {
  EXPECT_EQ(first_piece("\xF0\x9F\x98").state, Piece::State::cut);
  EXPECT_EQ(first_piece("\xF0\x9F\x98").length, 3);
  EXPECT_EQ(first_piece("\xF0\x9Fx").state, Piece::State::broken);
  EXPECT_EQ(first_piece("\xF0\x9Fx").length, 2);
  EXPECT_EQ(first_piece("\xF0\x9F\x98\x80x").code, 0x1F600u);
}

TEST(LastPiece, ReadsBackwards) {
  EXPECT_EQ(last_piece("x\u20AC").code, 0x20ACu);
  EXPECT_EQ(last_piece("x\u20AC").length, 3);
  EXPECT_EQ(last_piece("\u20AC\x80").state, Piece::State::broken);
  EXPECT_EQ(last_piece("\xE2\x82").state, Piece::State::broken);
}

TEST(AppendCharacter, IsUndoneByFirstPiece) {
  for (const uint32_t code :
       Codes{0u, 0x7Fu, 0x80u, 0x7FFu, 0x800u, 0xD7FFu, 0xE000u, 0x10000u, 0x10FFFFu}) {
    std::string text;
    append_character(text, code);
    const Piece piece = first_piece(text);
    EXPECT_EQ(piece.code, code);
    EXPECT_EQ(piece.length, text.size());
    EXPECT_EQ(piece.state, Piece::State::whole);
  }
}

TEST(Categories, AreThoseOfThePatternAndNotOfTheCLibrary) {
  for (const uint32_t code : Codes{'a', 'Z', 0xAA, 0xE9, 0x1C5, 0x2B0, 0x5D0, 0x4E2D}) {
    EXPECT_TRUE(is_letter(code)) << code;
  }
  for (const uint32_t code : Codes{'0', 0xB2, 0xBD, 0x660, 0x2167, 0x2460}) {
    EXPECT_TRUE(is_number(code)) << code;
    EXPECT_FALSE(is_letter(code)) << code;
  }
  for (const uint32_t code :
       Codes{0x09, 0x0D, 0x20, 0x85, 0xA0, 0x1680, 0x2028, 0x202F, 0x205F, 0x3000}) {
    EXPECT_TRUE(is_space(code)) << code;
  }
  for (const uint32_t code : Codes{0x1C, 0x1F, 0x180E, 0x200B, 0x2060, 0xFEFF}) {
    EXPECT_FALSE(is_space(code)) << code;
  }
  for (const uint32_t code : Codes{'a', '7', '_', 0x301, 0x203F, 0x24B6, 0x1F130, 0x200D, 0x2160}) {
    EXPECT_TRUE(is_word(code)) << code;
  }
  for (const uint32_t code : Codes{' ', '-', 0xB2, 0x20AC, 0xFFFD})
    EXPECT_FALSE(is_word(code)) << code;
}

}  // namespace
}  // namespace crescent::unicode
