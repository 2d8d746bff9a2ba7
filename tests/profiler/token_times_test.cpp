#include "profiler/token_times.h"

#include <gtest/gtest.h>

#include "profiler/recorder.h"
#include "tests/profiler/hand_clock.h"

namespace crescent {
namespace {

struct Generation {
  void section(Section section, int64_t ns) {
    const SectionSpan span(&recorder, section);
    clock.pass(ns);
  }
  HandClock clock;
  Recorder recorder{{}, clock, false};
};

TEST(TokenTimes, TheFirstTokenTakesTokenizePrefillAndASample) {
  Generation made;
  made.section(Section::tokenize, 5);
  made.clock.pass(1000);  // not a part of any
  made.section(Section::prefill, 100);
  made.section(Section::sample, 3);
  made.section(Section::detokenize, 2);
  const TokenTimes times = token_times(made.recorder.finish());
  EXPECT_EQ(times.ttft_ns, 108);
  EXPECT_TRUE(times.token_ns.empty());
  ASSERT_EQ(times.tokens.size(), 1u);
  EXPECT_EQ(times.tokens[0].decode_ns, 100);
  EXPECT_EQ(times.tokens[0].detokenize_ns, 2);
}

TEST(TokenTimes, ATokenLastsFromOneSampleToTheNext) {
  Generation made;
  made.section(Section::prefill, 100);
  made.section(Section::sample, 3);
  made.section(Section::detokenize, 2);
  made.clock.pass(7);  // the caller
  made.section(Section::decode, 40);
  made.section(Section::sample, 4);
  const TokenTimes times = token_times(made.recorder.finish());
  EXPECT_EQ(times.token_ns, std::vector<double>{2 + 7 + 40 + 4});
  EXPECT_EQ(times.tokens[1].sample_ns, 4);
}

TEST(TokenTimes, AreThoseOfTheLastGeneration) {
  Generation made;
  for (int i = 1; i <= 2; ++i) {
    made.section(Section::prefill, 100 * i);
    made.section(Section::sample, i);
  }
  EXPECT_EQ(token_times(made.recorder.finish()).ttft_ns, 202);
}

TEST(TokenTimes, WithoutAGenerationThereAreNone) {
  Generation made;
  made.section(Section::load, 10);
  const TokenTimes times = token_times(made.recorder.finish());
  EXPECT_EQ(times.ttft_ns, 0);
  EXPECT_TRUE(times.tokens.empty());
}

}  // namespace
}  // namespace crescent
