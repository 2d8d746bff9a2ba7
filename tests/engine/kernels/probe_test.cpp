#include "engine/kernels/probe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "engine/error.h"
#include "tests/engine/kernels/fenced.h"

namespace crescent::kernels {
namespace {

uint64_t plain_sum(const unsigned char* data, size_t bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes; i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, data + i, std::min<size_t>(8, bytes - i));
    sum += word;
  }
  return sum;
}

template <class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ProbeRead, SumsEveryWordOnceInEveryBuildAtAnyLengthAndAddress) {
  std::vector<unsigned char> data(5 << 20);  // enough for skewed streams
  uint64_t state = 1;
  for (auto& byte : data)
    byte = static_cast<unsigned char>((state = state * 6364136223846793005u + 1) >> 56);
  for (Isa isa : available())
    for (const size_t bytes : {0,       1,
                               7,       8,
                               9,       63,
                               64,      65,
                               127,     255,
                               256,     511,
                               512,     513,
                               1000,    4097,
                               100'003, (4 << 20) - 1,
                               4 << 20, (4 << 20) + 77})
      for (const size_t offset : {0, 1, 8, 33})
        EXPECT_EQ(probe(isa).read(data.data() + offset, bytes),
                  plain_sum(data.data() + offset, bytes))
            << name_of(isa) << ", " << bytes << " bytes at " << offset;
}

TEST(ProbeRead, DependsOnEveryByte) {
  std::vector<unsigned char> data(1500, 1);
  for (Isa isa : available()) {
    const uint64_t before = probe(isa).read(data.data(), data.size());
    for (auto& byte : data) {
      byte = 2;
      EXPECT_NE(probe(isa).read(data.data(), data.size()), before);
      byte = 1;
    }
  }
}

TEST(ProbeFma, CountsItsFlopsAndLeavesAFiniteResult) {
  for (Isa isa : available()) {
    float sink = 0;
    const double once = probe(isa).fma_fp32(1, &sink);
    EXPECT_GT(once, 0) << name_of(isa);
    EXPECT_EQ(probe(isa).fma_fp32(1000, &sink), 1000 * once) << name_of(isa);
    // Twelve chains in each lane, each run towards x = x/2 + 1, which is 2; two FLOPs a lane.
    EXPECT_FLOAT_EQ(sink, static_cast<float>(once)) << name_of(isa);
  }
}

TEST(Probe, NamesItsInstructionSet) {
  const auto of_floats = [](Isa isa) { return name_of(std::min(isa, Isa::avx512)); };
  for (Isa isa : available()) EXPECT_STREQ(probe(isa).isa, of_floats(isa));
  EXPECT_STREQ(probe().isa, of_floats(isa()));
}

TEST(Isa, IsTheBestOneUnlessForced) {
  EXPECT_EQ(isa_for(nullptr), available().back());
  EXPECT_EQ(isa_for(""), available().back());
  for (Isa isa : available()) EXPECT_EQ(isa_for(name_of(isa)), isa);
}

TEST(Isa, ForcedToSomethingUnknownIsAnErrorThatNamesTheKnownOnes) {
  EXPECT_EQ(message_of([] { isa_for("avx9"); }),
            "CRESCENT_ISA=avx9: unknown instruction set; expected scalar, avx2, avx512 or amx");
}

TEST(Isa, ForcedToOneThatTheCpuLacksIsAnErrorThatNamesWhatItHas) {
  std::string has;
  for (Isa isa : available()) has += (has.empty() ? "" : ", ") + std::string(name_of(isa));
  bool lacked = false;
  for (Isa isa : kIsas) {
    if (is_available(isa)) continue;
    lacked = true;
    EXPECT_EQ(message_of([&] { isa_for(name_of(isa)); }),
              std::string("CRESCENT_ISA=") + name_of(isa) +
                  ": this CPU (or its operating system) lacks it; it has " + has);
    EXPECT_EQ(message_of([&] { probe(isa); }),
              std::string("no kernels for ") + name_of(isa) + ": this CPU has " + has);
  }
  if (!lacked) GTEST_SKIP() << "this CPU lacks none";
}

/// In a process of its own, as the choice is made once.
TEST(IsaDeathTest, HonoursTheEnvironment) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        setenv("CRESCENT_ISA", "scalar", 1);
        std::exit(std::string(probe().isa) == "scalar" ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
  EXPECT_EXIT(
      {
        setenv("CRESCENT_ISA", "altivec", 1);
        std::exit(message_of([] { isa(); }).starts_with("CRESCENT_ISA=altivec: unknown") ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace crescent::kernels
