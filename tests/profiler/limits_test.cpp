#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
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

const std::string* reason_of(const Machine& machine, const char* name) {
  for (const auto& [absent, reason] : machine.absent)
    if (absent == name) return &reason;
  return nullptr;
}

TEST(MachineLimits, OfNarrowNumbersNameTheirInstructionOrSayWhyThereIsNone) {
  const Machine& machine = machine_limits(2);
  using Named = std::pair<const char*, std::optional<Machine::MatrixPeak>>;
  for (const auto& [name, peak] : {Named{"bf16", machine.bf16}, Named{"int8", machine.int8}}) {
    const std::string* reason = reason_of(machine, name);
    EXPECT_EQ(peak.has_value(), reason == nullptr) << name;
    if (!peak) continue;
    EXPECT_FALSE(peak->by.empty()) << name;
    EXPECT_GT(peak->one_thread_gop_s, 0) << name;
    EXPECT_GT(peak->gop_s.value_or(0), 0) << name;
  }
  const auto has = [&](const char* isa) {
    return std::find(machine.isa.begin(), machine.isa.end(), isa) != machine.isa.end();
  };
  if (has("avx2")) {
    EXPECT_TRUE(machine.int8) << "AVX2 multiplies int8 once it is widened";
  }
  if (has("sse2") && !has("avx512_bf16") && !has("amx_bf16")) {
    ASSERT_TRUE(reason_of(machine, "bf16")) << "no number is made up";
    EXPECT_EQ(*reason_of(machine, "bf16"), "this CPU has none of amx_bf16, avx512_bf16");
  }
}

/// In a process of its own, as the instruction set is chosen once.
TEST(MachineLimits, OfNarrowNumbersHonourAForcedInstructionSet) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a process of its own takes too long with sanitizers";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        setenv("CRESCENT_ISA", "scalar", 1);
        const Machine& machine = machine_limits(1);
        const std::string* reason = reason_of(machine, "int8");
        const bool told =
            reason && (*reason ==
                           "needs one of amx_int8, avx512_vnni, avx_vnni, avx2, and "
                           "kernels for scalar use none" ||
                       *reason == "this CPU has none of amx_int8, avx512_vnni, avx_vnni, avx2" ||
                       *reason == "no instructions are known for this kind of CPU");
        std::exit(told && !machine.int8 && !machine.bf16 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
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
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // no stacks that threads of other tests left
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
