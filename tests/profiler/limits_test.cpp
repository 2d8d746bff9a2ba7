#include <gtest/gtest.h>

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
    EXPECT_GT(row.all_threads_gb_s, 0);
    before = row.bytes;
  }
  // Each working set was measured or has a reason.
  size_t missing = 0;
  for (const auto& [name, reason] : machine.absent)
    missing += name.starts_with("read_bandwidth at");
  EXPECT_EQ(machine.read_bandwidth.size() + missing, 6u);
  EXPECT_EQ(&machine_limits(2), &machine) << "not measured again";
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
