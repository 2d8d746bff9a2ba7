#include "engine/exec/openmp_team.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "engine/error.h"

namespace crescent {
namespace {

TEST(OpenMpTeam, RunsEveryRankOnceBetweenCommonBarriers) {
  for (const int size : {1, 2, 5}) {
    const auto team = make_openmp_team(size);
    EXPECT_EQ(team->size(), size);
    for (int run = 0; run < 10; ++run) {
      std::vector<int> written(static_cast<size_t>(size), 0);
      std::atomic<int> wrong{0}, ran{0};
      team->run([&](const Rank& rank) {
        ++ran;
        for (int round = 1; round <= 100; ++round) {
          written[static_cast<size_t>(rank.index)] = round;
          rank.barrier();
          for (int index = 0; index < rank.size; ++index)
            wrong += written[static_cast<size_t>(index)] != round;
          rank.barrier();
        }
      });
      EXPECT_EQ(ran, size);
      EXPECT_EQ(wrong, 0);
    }
  }
}

TEST(OpenMpTeam, HandsTheCallerWhatARankThrewThoughOthersWaitForIt) {
  const auto team = make_openmp_team(3);
  for (int thrower = 0; thrower < 3; ++thrower) {
    EXPECT_THROW(team->run([&](const Rank& rank) {
      rank.barrier();
      if (rank.index == thrower) throw std::runtime_error("no more");
      rank.barrier();
    }),
                 std::runtime_error);
    std::atomic<int> ran{0};
    team->run([&](const Rank&) { ++ran; });
    EXPECT_EQ(ran, 3);
  }
}

TEST(OpenMpTeam, RunsForSeveralThreadsAtOnce) {
  const auto team = make_openmp_team(2);
  std::atomic<int> ran{0};
  std::vector<std::thread> callers;
  callers.reserve(3);
  for (int caller = 0; caller < 3; ++caller)
    callers.emplace_back([&] {
      for (int round = 0; round < 20; ++round)
        team->run([&](const Rank& rank) {
          rank.barrier();
          ++ran;
        });
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(ran, 120);
}

TEST(OpenMpTeam, RefusesASizeThatIsNone) {
  try {
    make_openmp_team(0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "team: expected 1 .. 1024 threads, got 0");
  }
}

}  // namespace
}  // namespace crescent
