#include "profiler/ring.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace crescent {
namespace {

std::vector<int> drained(Ring<int>& ring) {
  std::vector<int> values;
  ring.drain([&](int value) { values.push_back(value); });
  return values;
}

TEST(Ring, HandsOverInOrderAndAroundItsEnd) {
  Ring<int> ring(3);
  EXPECT_EQ(ring.capacity(), 4U);
  EXPECT_EQ(drained(ring), std::vector<int>{});
  int next = 0;
  for (int turn = 0; turn < 5; ++turn) {
    std::vector<int> expected;
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(ring.push(next));
      expected.push_back(next++);
    }
    EXPECT_EQ(drained(ring), expected);
  }
  EXPECT_EQ(ring.dropped(), 0);
}

TEST(Ring, DropsAndCountsWhatFindsNoRoom) {
  Ring<int> ring(2);
  EXPECT_TRUE(ring.push(1));
  EXPECT_TRUE(ring.push(2));
  EXPECT_FALSE(ring.push(3));
  EXPECT_FALSE(ring.push(4));
  EXPECT_EQ(ring.dropped(), 2);
  EXPECT_EQ(drained(ring), (std::vector<int>{1, 2}));
  EXPECT_TRUE(ring.push(5));
  EXPECT_EQ(drained(ring), std::vector<int>{5});
  EXPECT_EQ(ring.dropped(), 2);
}

TEST(Ring, LosesNothingBetweenTwoThreadsThatItDoesNotCount) {
  struct Pair {
    uint64_t number, twice;
  };
  constexpr uint64_t kCount = 200'000;
  Ring<Pair> ring(64);
  std::atomic<bool> done{false};
  std::thread producer([&] {
    for (uint64_t i = 1; i <= kCount; ++i) ring.push({i, 2 * i});
    done.store(true, std::memory_order_release);
  });
  uint64_t received = 0, last = 0;
  bool ascends = true, whole = true;
  const auto take = [&](const Pair& pair) {
    ascends = ascends && pair.number > last;
    whole = whole && pair.twice == 2 * pair.number;
    last = pair.number;
    ++received;
  };
  for (bool is_last = false; !is_last;) {
    is_last = done.load(std::memory_order_acquire);
    if (ring.drain(take) == 0) std::this_thread::yield();
  }
  producer.join();
  EXPECT_TRUE(ascends);
  EXPECT_TRUE(whole);
  EXPECT_EQ(received + static_cast<uint64_t>(ring.dropped()), kCount);
}

}  // namespace
}  // namespace crescent
