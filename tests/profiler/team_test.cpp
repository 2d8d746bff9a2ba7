#include "profiler/team.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "engine/error.h"

namespace crescent {
namespace {

TEST(SpinTeam, RunsEveryRankOnceARunAndTheCallerAsTheFirst) {
  for (int size : {1, 2, 5}) {
    SpinTeam team(size);
    std::vector<int> runs(static_cast<size_t>(size), 0);  // unguarded: the team must order them
    for (int run = 1; run <= 50; ++run) {
      const auto caller = std::this_thread::get_id();
      std::atomic<bool> caller_is_first{false};
      EXPECT_GE(team.run_ns([&](int rank) {
        ++runs[static_cast<size_t>(rank)];
        if (rank == 0) caller_is_first = std::this_thread::get_id() == caller;
      }),
                0);
      EXPECT_TRUE(caller_is_first);
      EXPECT_EQ(runs, std::vector<int>(static_cast<size_t>(size), run));
    }
  }
}

TEST(SpinTeam, HasAllRanksAtWorkAtTheSameTime) {
  SpinTeam team(3);
  std::atomic<int> inside{0};
  team.run_ns([&](int) {  // would never end if one rank ran after another
    ++inside;
    while (inside < 3) std::this_thread::yield();
  });
  EXPECT_EQ(inside, 3);
}

TEST(SpinTeam, TimesTheSlowestRank) {
  SpinTeam team(2);
  const int64_t ns = team.run_ns([](int rank) {
    if (rank == 1) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  });
  EXPECT_GE(ns, 20'000'000);
}

TEST(SpinTeam, RefusesLessThanOneThread) {
  try {
    SpinTeam team(-1);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "threads: expected at least 1, got -1");
  }
}

}  // namespace
}  // namespace crescent
