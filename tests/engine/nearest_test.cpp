#include "engine/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace crescent {
namespace {

std::string suggest(std::string_view name) {
  static const std::vector<std::string_view> known{"ratio", "temperature", "top_k", "top_p",
                                                   "gpt2",  "gpt2-medium", "seed"};
  return did_you_mean(name, known);
}

TEST(DidYouMean, FindsTheNameBehindASlip) {
  EXPECT_EQ(suggest("ratoi"), " (did you mean 'ratio'?)");
  EXPECT_EQ(suggest("ration"), " (did you mean 'ratio'?)");
  EXPECT_EQ(suggest("temprature"), " (did you mean 'temperature'?)");
  EXPECT_EQ(suggest("Ratio"), " (did you mean 'ratio'?)");
  EXPECT_EQ(suggest("gpt-2"), " (did you mean 'gpt2'?)");
  EXPECT_EQ(suggest("gpt2_medium"), " (did you mean 'gpt2-medium'?)");
}

TEST(DidYouMean, FindsTheNameOfWhichOnlyTheStartWasTyped) {
  EXPECT_EQ(suggest("temp"), " (did you mean 'temperature'?)");
}

TEST(DidYouMean, PrefersTheNearest) { EXPECT_EQ(suggest("top_q"), " (did you mean 'top_k'?)"); }

TEST(DidYouMean, IsSilentAboutOtherWords) {
  EXPECT_EQ(suggest("banana"), "");
  EXPECT_EQ(suggest("gpt_banana"), "");
  EXPECT_EQ(suggest("k"), "");
  EXPECT_EQ(suggest(""), "");
  EXPECT_EQ(suggest(std::string(1 << 20, 'a')), "");
}

}  // namespace
}  // namespace crescent
