#include "engine/exec/compiled/passes.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/exec/compiled/run.h"
#include "tests/engine/exec/compiled/plain_weights.h"

namespace crescent::compiled {
namespace {

std::vector<PassReport> passes_of(const DecoderConfig& config, const LevelOptions& options) {
  return report_passes(config, test::layout_of(config), options);
}

std::vector<PassReport> passes_of(const DecoderConfig& config, const Passes& passes = {}) {
  return passes_of(config, LevelOptions{.level = 2, .passes = passes});
}

const PassReport& named(const std::vector<PassReport>& passes, std::string_view name) {
  const auto found = std::find_if(passes.begin(), passes.end(),
                                  [&](const PassReport& pass) { return pass.name == name; });
  EXPECT_NE(found, passes.end()) << name;
  return *found;
}

/// What the arena of a session that holds all positions takes, beside the threads' own rows.
int64_t arena_bytes(const DecoderConfig& config, const Passes& passes) {
  const test::PlainWeights plain(config);
  return Plan(plain.config, plain.weights, passes).program.arena_width *
         std::min<int64_t>(config.positions_max, Runner::kRowsMax) * int64_t{sizeof(float)};
}

TEST(PassReports, SayWhatThePlanOfGpt2Gained) {
  const auto passes = passes_of(test::small_gpt2());
  ASSERT_EQ(passes.size(), 4u);
  EXPECT_EQ(passes[0].name, "fuse_epilogue");
  EXPECT_EQ(passes[0].changed,
            "9 activations and sums on the way out of the product before: 23 steps, not 32");
  EXPECT_EQ(passes[0].layers, 3);
  EXPECT_EQ(passes[1].name, "last_rows");
  EXPECT_EQ(passes[1].changed,
            "prefill: only the last token goes on behind the attention of layer 3 of 3");
  EXPECT_EQ(passes[1].layers, 1);
  EXPECT_EQ(passes[1].bytes, 0);
  EXPECT_EQ(passes[2].name, "share_arena");
  EXPECT_EQ(passes[2].changed, "20 buffers in 20 % of their room");
  EXPECT_EQ(passes[3].name, "transpose");
  EXPECT_EQ(passes[3].changed, "12 matrices stored as [in, out], copied as [out, in]");
  EXPECT_EQ(passes[3].bytes, 3 * (4 * 8 * 8 + 2 * 8 * 12) * 4);
  for (const PassReport& pass : passes) EXPECT_TRUE(pass.on) << pass.name;
}

TEST(PassReports, CountTheMemoryThatBuffersTakeLess) {
  for (const DecoderConfig& config : {test::small_gpt2(), test::small_llama()}) {
    const auto passes = passes_of(config);
    const int64_t ours = arena_bytes(config, {});
    EXPECT_EQ(named(passes, "share_arena").bytes,
              ours - arena_bytes(config, {.share_arena = false}));
    EXPECT_LT(named(passes, "share_arena").bytes, 0);
    EXPECT_EQ(named(passes, "fuse_epilogue").bytes,
              ours - arena_bytes(config, {.fuse_epilogue = false}));
  }
}

TEST(PassReports, SayThatOneIsSwitchedOff) {
  const auto passes =
      passes_of(test::small_llama(), {.fuse_epilogue = false, .share_arena = false});
  EXPECT_FALSE(named(passes, "fuse_epilogue").on);
  EXPECT_EQ(named(passes, "fuse_epilogue").changed, "switched off");
  EXPECT_EQ(named(passes, "fuse_epilogue").bytes, 0);
  EXPECT_FALSE(named(passes, "share_arena").on);
  EXPECT_TRUE(named(passes, "last_rows").on);
}

TEST(PassReports, FollowThePrunedDescription) {
  DecoderConfig config = test::small_llama();
  config.layers[2].has_attention = false;
  EXPECT_EQ(named(passes_of(config), "last_rows").layers, 2);
  EXPECT_EQ(named(passes_of(config), "transpose").changed,
            "nothing: all matrices are stored as [out, in]");
  for (LayerSpec& layer : config.layers) layer.has_attention = false;
  EXPECT_EQ(named(passes_of(config), "last_rows").changed, "nothing: no layer attends");
}

TEST(PassReports, AreNoneAtLevelsWithoutAPlan) {
  for (const int level : {0, 1}) {
    EXPECT_TRUE(passes_of(test::small_gpt2(), LevelOptions{.level = level}).empty());
  }
}

}  // namespace
}  // namespace crescent::compiled
