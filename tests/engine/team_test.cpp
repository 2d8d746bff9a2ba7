#include "engine/team.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "engine/error.h"

namespace crescent {
namespace {

const int kSizes[] = {1, 2, 3, 7};

TEST(ShareOf, CoversEverythingOnceInOrderInWholeGrains) {
  for (const int64_t count : {0, 1, 5, 16, 17, 96, 100, 50'257})
    for (const int64_t grain : {1, 4, 16})
      for (const int size : {1, 2, 3, 8, 200}) {
        int64_t next = 0, most = 0, least = count;
        for (int index = 0; index < size; ++index) {
          const Range share = share_of(count, {index, size}, grain);
          EXPECT_EQ(share.begin, next);
          EXPECT_LE(share.begin, share.end);
          EXPECT_TRUE(share.end == count || share.end % grain == 0);
          most = std::max(most, share.end - share.begin);
          least = std::min(least, share.end - share.begin);
          next = share.end;
        }
        EXPECT_EQ(next, count);
        EXPECT_LT(most - least, 2 * grain) << count << " by " << size << " in " << grain;
      }
}

TEST(ThreadTeam, RunsEveryRankOnceAndTheFirstOnTheCallersThread) {
  for (const int size : kSizes) {
    const auto team = make_thread_team(size);
    EXPECT_EQ(team->size(), size);
    for (int round = 0; round < 20; ++round) {
      std::vector<std::thread::id> ran(static_cast<size_t>(size));
      team->run([&](const Rank& rank) {
        EXPECT_EQ(rank.size, size);
        ran[static_cast<size_t>(rank.index)] = std::this_thread::get_id();
      });
      EXPECT_EQ(ran[0], std::this_thread::get_id());
      for (const auto id : ran) EXPECT_NE(id, std::thread::id());
    }
  }
}

TEST(ThreadTeam, SeesBehindABarrierWhatAllWroteBeforeIt) {
  for (const int size : kSizes) {
    // Plain numbers: what orders them is the barrier alone.
    std::vector<int> written(static_cast<size_t>(size), 0);
    std::atomic<int> wrong{0};
    make_thread_team(size)->run([&](const Rank& rank) {
      for (int round = 1; round <= 300; ++round) {
        written[static_cast<size_t>(rank.index)] = round;
        rank.barrier();
        for (const int value : written) wrong += value != round;
        rank.barrier();
      }
    });
    EXPECT_EQ(wrong, 0) << size;
  }
}

TEST(ThreadTeam, WakesThoseWhoFellAsleepAtABarrierAndThoseWhoWouldWaitForAFailure) {
  using namespace std::chrono_literals;
  const auto team = make_thread_team(3);
  for (int late = 0; late < 3; ++late) {
    int written = 0;
    std::atomic<int> seen{0};
    team->run([&](const Rank& rank) {
      if (rank.index == late) {
        std::this_thread::sleep_for(30ms);
        written = 7;
      }
      rank.barrier();
      seen += written;
    });
    EXPECT_EQ(seen, 21);
    EXPECT_THROW(team->run([&](const Rank& rank) {
      if (rank.index == late) {
        std::this_thread::sleep_for(30ms);
        throw std::runtime_error("late");
      }
      rank.barrier();
    }),
                 std::runtime_error);
  }
}

TEST(ThreadTeam, HandsTheCallerWhatARankThrewThoughOthersWaitForIt) {
  for (const int size : kSizes)
    for (int thrower = 0; thrower < size; ++thrower) {
      const auto team = make_thread_team(size);
      std::atomic<int> behind{0};
      for (int round = 0; round < 20; ++round) {
        try {
          team->run([&](const Rank& rank) {
            rank.barrier();
            if (rank.index == thrower) throw std::runtime_error("no more");
            rank.barrier();
            ++behind;
          });
          ADD_FAILURE() << "nothing came out of rank " << thrower;
        } catch (const std::runtime_error& error) {
          EXPECT_STREQ(error.what(), "no more");
        }
      }
      EXPECT_EQ(behind, 0) << "somebody passed a barrier that not all reached";
      std::atomic<int> ran{0};
      team->run([&](const Rank& rank) {
        rank.barrier();
        ++ran;
      });
      EXPECT_EQ(ran, size) << "the team still works";
    }
}

TEST(ThreadTeam, HandsOutOneErrorIfAllThrow) {
  for (const int size : kSizes) {
    const auto team = make_thread_team(size);
    EXPECT_THROW(team->run([](const Rank&) { throw std::runtime_error("all"); }),
                 std::runtime_error);
  }
}

TEST(ThreadTeam, TakesOneRunAfterTheOtherFromSeveralThreads) {
  const auto team = make_thread_team(3);
  int sum = 0;  // by rank 0 alone
  std::vector<std::thread> callers;
  callers.reserve(4);
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round)
        team->run([&](const Rank& rank) {
          rank.barrier();
          if (rank.index == 0) ++sum;
        });
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 200);
}

TEST(ThreadTeam, RefusesASizeThatIsNone) {
  for (const int size : {0, -1, 1025}) {
    try {
      make_thread_team(size);
      ADD_FAILURE() << size;
    } catch (const Error& error) {
      EXPECT_EQ(error.what(), fmt::format("team: expected 1 .. 1024 threads, got {}", size));
    }
  }
}

}  // namespace
}  // namespace crescent
