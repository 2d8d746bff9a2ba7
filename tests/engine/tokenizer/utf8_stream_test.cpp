#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "engine/random.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/unicode.h"

namespace crescent {
namespace {

bool is_valid(std::string_view text) {
  while (!text.empty()) {
    const unicode::Piece piece = unicode::first_piece(text);
    if (piece.state != unicode::Piece::State::whole) return false;
    text.remove_prefix(piece.length);
  }
  return true;
}

TEST(Utf8Stream, HoldsACharacterBackUntilItIsWhole) {
  Utf8Stream stream;
  EXPECT_EQ(stream.feed("a\xF0"), "a");
  EXPECT_EQ(stream.feed("\x9F"), "");
  EXPECT_EQ(stream.feed("\x98"), "");
  EXPECT_EQ(stream.feed("\x80z"), "\U0001F600z");
  EXPECT_EQ(stream.finish(), "");
}

TEST(Utf8Stream, GivesOneReplacementForACutCharacterAtTheEnd) {
  Utf8Stream stream;
  EXPECT_EQ(stream.feed("a\xE2\x82"), "a");
  EXPECT_EQ(stream.finish(), "\uFFFD");
  EXPECT_EQ(stream.finish(), "");
  EXPECT_EQ(stream.feed("b"), "b");  // and can be used again
}

TEST(Utf8Stream, DoesNotWaitForWhatCannotBeRepaired) {
  Utf8Stream stream;
  EXPECT_EQ(stream.feed("\xE2\x82"
                        "a"),
            "\uFFFDa");
  EXPECT_EQ(stream.feed("\xFF"), "\uFFFD");
  EXPECT_EQ(stream.feed("\xED\xA0"), "\uFFFD\uFFFD");  // a surrogate
}

/// Bytes that often make characters, whole and broken.
std::string random_bytes(Random& random) {
  static constexpr std::string_view kParts[] = {"a",        "\xC3",     "\xA9",     "\xE2\x82\xAC",
                                                "\xE2\x82", "\xF0\x9F", "\x98\x80", "\xF4\x90",
                                                "\xED\xA0", "\x80",     "\xFF",     "\xEF\xBF\xBD"};
  std::string bytes;
  for (uint64_t parts = random.below(12); parts > 0; --parts) {
    if (random.below(4) == 0) {
      bytes += static_cast<char>(random.below(256));
    } else {
      bytes += kParts[random.below(std::size(kParts))];
    }
  }
  return bytes;
}

TEST(Utf8Stream, GivesWhatOneLossyDecodeGivesHoweverTheBytesAreCut) {
  Random random(7);
  for (int round = 0; round < 20'000; ++round) {
    const std::string bytes = random_bytes(random);
    std::string expected;
    unicode::append_lossy(expected, bytes);
    Utf8Stream stream;
    std::string text;
    for (size_t at = 0; at < bytes.size();) {
      const size_t length = std::min<size_t>(random.below(4), bytes.size() - at);
      const std::string piece = stream.feed(std::string_view(bytes).substr(at, length));
      ASSERT_TRUE(is_valid(piece));
      text += piece;
      at += length;
    }
    text += stream.finish();
    ASSERT_EQ(text, expected);
  }
}

}  // namespace
}  // namespace crescent
