#include "engine/exec/stop_filter.h"

#include <gtest/gtest.h>

namespace crescent {
namespace {

std::string all(StopFilter& filter, const std::vector<std::string>& pieces) {
  std::string out;
  for (const std::string& piece : pieces) out += filter.feed(piece) + "|";
  return out;
}

TEST(StopFilter, HoldsBackWhatMayBecomeAStopText) {
  const std::vector<std::string> stops{"END."};
  StopFilter filter(stops);
  EXPECT_EQ(all(filter, {"the E", "N", "emy E", "ND", "s"}), "the ||ENemy ||ENDs|");
  EXPECT_FALSE(filter.stopped());
}

TEST(StopFilter, StopsInFrontOfAStopTextThatComesInPieces) {
  const std::vector<std::string> stops{"END."};
  StopFilter filter(stops);
  EXPECT_EQ(all(filter, {"so E", "ND", ". more", "x"}), "so ||||");
  EXPECT_TRUE(filter.stopped());
  EXPECT_EQ(filter.finish(), "");
}

TEST(StopFilter, TakesTheFirstOfSeveral) {
  const std::vector<std::string> stops{"cd", "b", "bcd"};
  StopFilter filter(stops);
  EXPECT_EQ(filter.feed("abcd"), "a");
  EXPECT_TRUE(filter.stopped());
}

TEST(StopFilter, FindsAStopTextThatBeginsInsideAFalseStart) {
  const std::vector<std::string> stops{"aab"};
  StopFilter filter(stops);
  EXPECT_EQ(all(filter, {"a", "a", "a", "b"}), "||a||");
  EXPECT_TRUE(filter.stopped());
}

TEST(StopFilter, GivesBackAtTheEndWhatItHeld) {
  const std::vector<std::string> stops{"END."};
  StopFilter filter(stops);
  EXPECT_EQ(filter.feed("the EN"), "the ");
  EXPECT_EQ(filter.finish(), "EN");
}

}  // namespace
}  // namespace crescent
