#include "engine/exec/compiled/arena.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/random.h"

namespace crescent::compiled {
namespace {

TEST(Arena, GivesThePlaceOfADeadBufferToANewOne) {
  const std::vector<Lifetime> buffers{{64, 0, 1}, {64, 1, 2}, {64, 2, 3}};
  const Placement placement = place(buffers);
  EXPECT_EQ(placement.offsets[0], placement.offsets[2]);
  EXPECT_NE(placement.offsets[0], placement.offsets[1]);
  EXPECT_EQ(placement.width, 128);
}

TEST(Arena, PutsASmallBufferIntoTheGapBetweenTwo) {
  // The first two die before the last comes; the third lies on top of them and lives on.
  const std::vector<Lifetime> buffers{{160, 0, 5}, {96, 0, 1}, {80, 0, 5}, {32, 3, 4}};
  const Placement placement = place(buffers);
  EXPECT_EQ(placement.offsets[3], placement.offsets[1]);
  EXPECT_EQ(placement.width, 160 + 96 + 80);
}

TEST(Arena, BeginsEveryBufferOnACacheLine) {
  const Placement placement = place(std::vector<Lifetime>{{5, 0, 1}, {1, 0, 1}, {17, 0, 1}});
  for (const int64_t offset : placement.offsets) EXPECT_EQ(offset % 16, 0);
  EXPECT_EQ(placement.width, 64);
}

TEST(Arena, HasNoPlaceForNothing) {
  EXPECT_EQ(place({}).width, 0);
  EXPECT_EQ(place(std::vector<Lifetime>{{0, 0, 3}}).width, 0);
}

TEST(Arena, NeverPutsTwoThatLiveAtOnceOnTopOfEachOther) {
  Random random(7);
  const auto below = [&](uint64_t n) { return static_cast<int64_t>(random.below(n)); };
  for (int round = 0; round < 200; ++round) {
    std::vector<Lifetime> buffers;
    for (int i = 0; i < 20; ++i) {
      const auto first = static_cast<int32_t>(below(30));
      buffers.push_back({below(200), first, first + static_cast<int32_t>(below(8))});
    }
    const Placement placement = place(buffers);
    int64_t sum = 0;
    for (size_t a = 0; a < buffers.size(); ++a) {
      sum += (buffers[a].width + 15) / 16 * 16;
      EXPECT_LE(placement.offsets[a] + buffers[a].width, placement.width);
      for (size_t b = 0; b < a; ++b) {
        const bool meet =
            buffers[a].first <= buffers[b].last && buffers[b].first <= buffers[a].last;
        const bool apart = placement.offsets[a] + buffers[a].width <= placement.offsets[b] ||
                           placement.offsets[b] + buffers[b].width <= placement.offsets[a];
        EXPECT_TRUE(!meet || apart) << round;
      }
    }
    EXPECT_LT(placement.width, sum) << "nothing was shared";
  }
}

}  // namespace
}  // namespace crescent::compiled
