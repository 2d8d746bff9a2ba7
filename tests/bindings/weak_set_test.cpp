#include "bindings/weak_set.h"

#include <gtest/gtest.h>

namespace crescent {
namespace {

TEST(WeakSet, HoldsOneThingOnceHoweverOftenItIsAdded) {
  WeakSet<const int> set;
  const auto thing = std::make_shared<const int>(1);
  for (int i = 0; i < 100'000; ++i) set.add(thing);
  EXPECT_EQ(set.entries(), 1u);
  EXPECT_EQ(set.living(), std::vector{thing});
}

TEST(WeakSet, ForgetsWhatIsGoneWithoutBeingAsked) {
  WeakSet<const int> set;
  const auto kept = std::make_shared<const int>(1);
  set.add(kept);
  size_t most = 0;
  for (int i = 0; i < 100'000; ++i) {
    set.add(std::make_shared<const int>(i));
    most = std::max(most, set.entries());
  }
  EXPECT_LE(most, WeakSet<const int>::kFirstSweep);
  EXPECT_EQ(set.living(), std::vector{kept});
}

TEST(WeakSet, KeepsAllThatLive) {
  WeakSet<const int> set;
  std::vector<std::shared_ptr<const int>> things;
  for (int i = 0; i < 1000; ++i) set.add(things.emplace_back(std::make_shared<const int>(i)));
  EXPECT_EQ(set.living().size(), things.size());
  things.resize(10);
  EXPECT_EQ(set.living().size(), 10u);
}

TEST(WeakSet, DoesNotKeepAnythingAlive) {
  WeakSet<const int> set;
  auto thing = std::make_shared<const int>(1);
  const std::weak_ptr<const int> watched = thing;
  set.add(thing);
  thing.reset();
  EXPECT_TRUE(watched.expired());
  EXPECT_TRUE(set.living().empty());
}

}  // namespace
}  // namespace crescent
