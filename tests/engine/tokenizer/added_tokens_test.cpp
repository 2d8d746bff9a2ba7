#include "engine/tokenizer/added_tokens.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace crescent {
namespace {

/// "text|<7>|text": how a text is cut.
std::string cut(std::vector<AddedToken> tokens, std::string_view text) {
  std::string result;
  for (const AddedTokens::Part& part : AddedTokens(std::move(tokens)).split(text)) {
    if (!result.empty()) result += "|";
    if (part.id == AddedTokens::kText) {
      result += part.text;
    } else {
      result += "<" + std::to_string(part.id) + ">";
    }
  }
  return result;
}

TEST(AddedTokens, AreFoundInsideText) {
  EXPECT_EQ(cut({{.content = "<s>", .id = 1}}, "a<s>b<s><s>"), "a|<1>|b|<1>|<1>");
  EXPECT_EQ(cut({{.content = "<s>", .id = 1}}, "a<s"), "a<s");
  EXPECT_EQ(cut({}, "text"), "text");
  EXPECT_EQ(cut({{.content = "<s>", .id = 1}}, ""), "");
}

TEST(AddedTokens, AreTakenAtTheirLongest) {
  const std::vector<AddedToken> tokens = {
      {.content = "ab", .id = 1}, {.content = "abcd", .id = 2}, {.content = "b", .id = 3}};
  EXPECT_EQ(cut(tokens, "abcd"), "<2>");
  EXPECT_EQ(cut(tokens, "abc"), "<1>|c");
  EXPECT_EQ(cut(tokens, "babcx"), "<3>|<1>|cx");
}

TEST(AddedTokens, OfASingleWordAreNoPartOfOne) {
  const std::vector<AddedToken> tokens = {{.content = "the", .id = 1, .single_word = true}};
  EXPECT_EQ(cut(tokens, "the other the"), "<1>| other |<1>");
  EXPECT_EQ(cut(tokens, "(the)"), "(|<1>|)");
  EXPECT_EQ(cut(tokens, "the_"), "the_");
  EXPECT_EQ(cut(tokens, "\u00E9the"), "\u00E9the");
}

TEST(AddedTokens, TakeWhiteSpaceAlongWhereTheyStrip) {
  EXPECT_EQ(cut({{.content = "<m>", .id = 1, .lstrip = true}}, "a \u3000<m> b"), "a|<1>| b");
  EXPECT_EQ(cut({{.content = "<m>", .id = 1, .rstrip = true}}, "a <m>\n b"), "a |<1>|b");
  EXPECT_EQ(cut({{.content = "<m>", .id = 1, .lstrip = true, .rstrip = true}}, " <m> <m> "),
            "<1>|<1>");
}

TEST(AddedTokens, InWhiteSpaceThatAnotherTookAreGone) {
  EXPECT_EQ(
      cut({{.content = "<m>", .id = 1, .rstrip = true}, {.content = "  ", .id = 2}}, "<m>    a"),
      "<1>|a");
}

TEST(AddedTokens, ThatAreNormalizedComeAfterTheOthers) {
  const std::vector<AddedToken> tokens = {{.content = "abc", .id = 1, .normalized = true},
                                          {.content = "bcd", .id = 2}};
  EXPECT_EQ(cut(tokens, "abcd"), "a|<2>");
  EXPECT_EQ(cut(tokens, "abc"), "<1>");
}

}  // namespace
}  // namespace crescent
