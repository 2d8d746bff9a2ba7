#include "engine/threads.h"

#include <gtest/gtest.h>

#include "engine/error.h"

namespace crescent {
namespace {

int told = 0;

TEST(Threads, AreTheUsableCoresUntilChosen) { EXPECT_EQ(threads(), usable_cores()); }

TEST(Threads, AreToldToWhoAskedAtOnceAndAtEveryChange) {
  on_threads_change([](int n) { told = n; });
  EXPECT_EQ(told, threads());
  set_threads(7);
  EXPECT_EQ(told, 7);
  EXPECT_EQ(threads(), 7);
  on_threads_change(nullptr);
  set_threads(usable_cores());
  EXPECT_EQ(told, 7);
}

TEST(Threads, RefuseANumberOutOfRangeAndKeepTheOldOne) {
  const int before = threads();
  for (const auto& [n, message] : {std::pair{0, "threads: expected 1 .. 1024, got 0"},
                                   std::pair{1025, "threads: expected 1 .. 1024, got 1025"}}) {
    try {
      set_threads(n);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& e) {
      EXPECT_STREQ(e.what(), message);
    }
  }
  EXPECT_EQ(threads(), before);
}

}  // namespace
}  // namespace crescent
