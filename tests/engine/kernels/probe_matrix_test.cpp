#include "engine/kernels/probe_matrix.h"

#include <gtest/gtest.h>

#include <string_view>

namespace crescent::kernels {
namespace {

/// What the compiler's own look at the CPU says; it knows no AMX everywhere.
bool is_there(std::string_view needs) {
#ifdef __x86_64__
  if (needs == "avx2") return __builtin_cpu_supports("avx2");
  if (needs == "avx512_vnni") return __builtin_cpu_supports("avx512vnni");
  if (needs == "avx512_bf16") return __builtin_cpu_supports("avx512bf16");
#endif
  return false;
}

/// What a round adds to a lane of a sum: each pair of factors is 3 * 3, or 1/8 * 1/8 in bf16.
float added(const MatrixProbe& probe) {
  if (probe.numbers == MatrixNumbers::bf16) return 2.0f / 64;
  return probe.instruction == std::string_view("vpmaddwd") ? 2 * 9 : 4 * 9;
}

TEST(MatrixProbe, CountsItsOperationsAndLeavesTheSumsOfItsProducts) {
  int run = 0;
  for (const MatrixProbe& probe : matrix_probes()) {
    if (probe.tiles || !is_there(probe.needs)) continue;
    float sink = 0;
    const double once = probe.run(1, &sink);
    EXPECT_GT(once, 0) << probe.instruction;
    // Ten sums that started with 1 .. 10.
    EXPECT_FLOAT_EQ(sink, 55 + 10 * added(probe)) << probe.instruction;
    sink = 0;
    EXPECT_EQ(probe.run(1000, &sink), 1000 * once) << probe.instruction;
    EXPECT_FLOAT_EQ(sink, 55 + 10 * 1000 * added(probe)) << probe.instruction;
    ++run;
  }
  if (run == 0) GTEST_SKIP() << "this CPU has none of the instructions";
}

TEST(MatrixProbe, NamesEveryInstructionOnceForEachSetThatHasIt) {
  const auto probes = matrix_probes();
  for (size_t i = 0; i < probes.size(); ++i) {
    EXPECT_EQ(probes[i].tiles, std::string_view(probes[i].needs).starts_with("amx"));
    for (size_t j = 0; j < i; ++j) EXPECT_STRNE(probes[i].needs, probes[j].needs);
  }
}

}  // namespace
}  // namespace crescent::kernels
