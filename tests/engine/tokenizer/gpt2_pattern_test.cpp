#include "engine/tokenizer/gpt2_pattern.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/random.h"

namespace crescent {
namespace {

using Words = std::vector<std::string>;

Words words_of(std::string_view text) {
  Words words;
  for (size_t at = 0; at < text.size();) {
    const size_t end = gpt2_word_end(text, at);
    words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

TEST(Gpt2Pattern, TakesOneSpaceBeforeAWord) {
  EXPECT_EQ(words_of("Hello world 42 times, ok?"),
            (Words{"Hello", " world", " 42", " times", ",", " ok", "?"}));
  EXPECT_EQ(words_of("a\tb"), (Words{"a", "\t", "b"}));
}

TEST(Gpt2Pattern, LeavesTheLastSpaceOfARunToTheWordAfterIt) {
  EXPECT_EQ(words_of("a   b"), (Words{"a", "  ", " b"}));
  EXPECT_EQ(words_of("a \n b"), (Words{"a", " \n", " b"}));
  EXPECT_EQ(words_of("a  \nb"), (Words{"a", "  ", "\n", "b"}));
  EXPECT_EQ(words_of("a   "), (Words{"a", "   "}));
  EXPECT_EQ(words_of(" "), (Words{" "}));
  EXPECT_EQ(words_of("\u3000\u00A0x"), (Words{"\u3000", "\u00A0", "x"}));
}

TEST(Gpt2Pattern, CutsContractionsInLowerCaseAlone) {
  EXPECT_EQ(words_of("I'll we've don't he's I'm they're I'd"),
            (Words{"I", "'ll", " we", "'ve", " don", "'t", " he", "'s", " I", "'m", " they", "'re",
                   " I", "'d"}));
  EXPECT_EQ(words_of("DON'T"), (Words{"DON", "'", "T"}));
  EXPECT_EQ(words_of("''s"), (Words{"''", "s"}));
  EXPECT_EQ(words_of("x's'"), (Words{"x", "'s", "'"}));
  EXPECT_EQ(words_of(" 's"), (Words{" '", "s"}));
  EXPECT_EQ(words_of("'lx"), (Words{"'", "lx"}));
}

TEST(Gpt2Pattern, SplitsLettersNumbersAndTheRest) {
  EXPECT_EQ(words_of("abc123!?\u00E9\u00BD\u20AC"),
            (Words{"abc", "123", "!?", "\u00E9", "\u00BD", "\u20AC"}));
  EXPECT_EQ(words_of("e\u0301"), (Words{"e", "\u0301"}));  // a mark is no letter
}

TEST(Gpt2Pattern, KeepsBrokenBytesTogetherWithSymbols) {
  EXPECT_EQ(words_of("a\xFF\xE2\x82!b"), (Words{"a", "\xFF\xE2\x82!", "b"}));
  EXPECT_EQ(words_of(" \x80"), (Words{" \x80"}));
}

TEST(Gpt2Pattern, GivesEveryByteToOneWord) {
  Random random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (uint64_t i = random.below(30); i > 0; --i) {
      text +=
          random.below(2) == 0 ? " '\nst1a"[random.below(7)] : static_cast<char>(random.below(256));
    }
    std::string joined;
    for (const std::string& word : words_of(text)) {
      ASSERT_FALSE(word.empty());
      joined += word;
    }
    ASSERT_EQ(joined, text);
  }
}

}  // namespace
}  // namespace crescent
