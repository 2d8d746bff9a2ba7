#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/error.h"
#include "profiler/machine.h"

namespace crescent {
namespace {

TEST(BandwidthAt, IsInterpolatedOnALogScaleAndHeldOutside) {
  Machine machine;
  machine.read_bandwidth = {{1'000'000, 5, 100}, {100'000'000, 5, 40}, {1'000'000'000, 5, 30}};
  EXPECT_DOUBLE_EQ(bandwidth_at(machine, 1e6), 100);
  EXPECT_DOUBLE_EQ(bandwidth_at(machine, 1e7), 70) << "halfway between 1 and 100 MB";
  EXPECT_DOUBLE_EQ(bandwidth_at(machine, 1e8), 40);
  EXPECT_DOUBLE_EQ(bandwidth_at(machine, 5), 100);
  EXPECT_DOUBLE_EQ(bandwidth_at(machine, 1e12), 30);
}

TEST(BandwidthAt, RefusesAMachineThatWasNotMeasuredAndNoBytes) {
  const auto message = [](const Machine& machine, double bytes) -> std::string {
    try {
      bandwidth_at(machine, bytes);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message(Machine{}, 1e6),
            "bandwidth_at: no read bandwidth has been measured on this machine");
  Machine machine;
  machine.read_bandwidth = {{1'000'000, 5, 100}};
  machine.read_bandwidth = {{1'000'000, 5, std::nullopt}};
  EXPECT_EQ(message(machine, 1e6),
            "bandwidth_at: no read bandwidth has been measured on this machine")
      << "one thread's is not all threads'";
  machine.read_bandwidth = {{1'000'000, 5, 100}};
  EXPECT_EQ(message(machine, 0), "bandwidth_at: expected a positive number of bytes, got 0");
}

TEST(MachineLimits, AreMeasuredOnceAndKept) {
  const Machine& machine = machine_limits(2);
  EXPECT_GT(machine.fp32_gflop_s, 0);
  EXPECT_GT(machine.fp32_gflop_s_one_thread, 0);
  int64_t before = 0;
  for (const auto& row : machine.read_bandwidth) {
    EXPECT_GT(row.bytes, before);
    EXPECT_GT(row.one_thread_gb_s, 0);
    EXPECT_GT(row.all_threads_gb_s.value_or(0), 0);
    before = row.bytes;
  }
  // Each working set was measured or has a reason.
  size_t missing = 0;
  for (const auto& [name, reason] : machine.absent)
    missing += name.starts_with("read_bandwidth at");
  EXPECT_EQ(machine.read_bandwidth.size() + missing, 6u);
  EXPECT_EQ(&machine_limits(2), &machine) << "not measured again";
}

/// Measures where the kernel gives no more address space, which a thread's stack needs. Returns 0
/// if one thread was measured all the same and the rest says why it is not there.
int measure_without_threads() {
  // Some room for small things, whatever the heap had left: less than any working set.
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  {
    std::vector<std::unique_ptr<char[]>> room;
    for (int i = 0; i < 4; ++i) room.push_back(std::make_unique<char[]>(100'000));
  }
  const rlimit none{1, 1};
  if (setrlimit(RLIMIT_AS, &none) != 0) return 1;
  const Machine& machine = machine_limits(2, true);
  std::map<std::string, std::string> absent(machine.absent.begin(), machine.absent.end());
  if (machine.fp32_gflop_s_one_thread <= 0) return 2;
  if (machine.fp32_gflop_s != 0) return 3;
  if (!absent["fp32_gflop_s"].starts_with("threads: the system gave 1 of 2: ")) return 4;
  return absent["read_bandwidth"].ends_with("the system gives no more memory") ? 0 : 5;
}

TEST(MachineLimits, OfOneThreadAreMeasuredWhereMoreAreDenied) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizers need address space of their own";
#endif
  EXPECT_EXIT(std::exit(measure_without_threads()), testing::ExitedWithCode(0), "");
}

TEST(PeakPause, WhatIsTakenMeanwhileIsNoPeakAfterwards) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizers keep freed memory";
#endif
  constexpr int64_t kBytes = int64_t{256} << 20;
  const int64_t before = process_memory().rss_bytes_peak;
  {
    const PeakPause pause;
    std::vector<char> block(kBytes, 1);
    EXPECT_GE(process_memory().rss_bytes_peak, kBytes);
  }
  EXPECT_LT(process_memory().rss_bytes_peak, before + kBytes / 2);
  EXPECT_GE(process_memory().rss_bytes_peak, before);
}

TEST(MachineLimits, RefuseLessThanOneThread) {
  try {
    machine_limits(0);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "threads: expected at least 1, got 0");
  }
}

}  // namespace
}  // namespace crescent
