#include "bindings/progress.h"

#include <gtest/gtest.h>

namespace crescent {
namespace {

TEST(Progress, TellsWhatIsLeftAtTheSpeedSoFar) {
  EXPECT_EQ(progress_line("ablation of heads", {.done = 12, .total = 36, .spent_s = 14}),
            "ablation of heads 12 of 36, 28 s left");
  EXPECT_EQ(progress_line("ablation of neurons", {.done = 1, .total = 3001, .spent_s = 1}),
            "ablation of neurons 1 of 3001, 50 min left");
  EXPECT_EQ(progress_line("x", {.done = 3, .total = 3, .spent_s = 5}), "x 3 of 3, 0 s left");
}

TEST(Progress, TellsTimesInTheUnitThatReads) {
  EXPECT_EQ(readable_seconds(0.4), "0 s");
  EXPECT_EQ(readable_seconds(99), "99 s");
  EXPECT_EQ(readable_seconds(100), "2 min");
  EXPECT_EQ(readable_seconds(9000), "2.5 h");
}

}  // namespace
}  // namespace crescent
