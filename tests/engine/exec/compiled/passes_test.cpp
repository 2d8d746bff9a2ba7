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
            "9 activations and sums on the way out of the product before: 25 steps, not 34");
  EXPECT_EQ(passes[0].layers, 3);
  EXPECT_EQ(passes[1].name, "last_rows");
  EXPECT_EQ(passes[1].changed,
            "prefill: only the last token goes on behind the attention of layer 3 of 3");
  EXPECT_EQ(passes[1].layers, 1);
  EXPECT_EQ(passes[1].bytes, 0);
  EXPECT_EQ(passes[2].name, "share_arena");
  EXPECT_EQ(passes[2].changed, "17 buffers in 20 % of their room");
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

TEST(PassReports, SayHowNarrowWeightsAreAndWhatIsPadded) {
  const Storage storage{Width::int4, Width::int8_grouped};
  const LevelOptions options{.level = 3, .storage = storage};
  DecoderConfig config = test::small_gpt2();
  config.d_model = 32;
  config.layers =
      whole_layers({.heads = 4, .kv_heads = 4, .head_dim = 8, .ffn_width = 64}, /*count=*/3);
  config.layers[1].ffn_width = 40;
  const auto passes = passes_of(config, options);
  ASSERT_EQ(passes.size(), 8u);
  EXPECT_EQ(named(passes, "transpose").changed,
            "12 matrices stored as [in, out], packed as [out, in]");
  EXPECT_EQ(named(passes, "transpose").bytes, 0);
  const PassReport& weights = named(passes, "weights");
  EXPECT_EQ(weights.changed, "12 matrices as int4; 1 of 12 matrices padded to groups of 32");
  EXPECT_EQ(weights.layers, 3);
  // Rows of 32: 16 bytes, a scale and a minimum of 2, padded to 32. Rows of 40 and 64: 40, so 48.
  const int64_t whole = 3 * (96 + 32) * (32 - 128) + 2 * (64 * (32 - 128) + 32 * (48 - 256));
  EXPECT_EQ(weights.bytes, whole + 40 * (32 - 128) + 32 * (48 - 160));
  EXPECT_EQ(weights.source, "Dettmers & Zettlemoyer 2023, arXiv:2212.09720");
  const PassReport& head = named(passes, "head");
  EXPECT_EQ(head.changed, "output head and embedding, which are one, as int8 in groups of 32");
  EXPECT_EQ(head.bytes, 512 - 10 * 128) << "10 rows of 34 bytes, padded to 48, in whole lines";
}

TEST(PassReports, SayWhatACalibrationChose) {
  LevelOptions options{.level = 3, .storage = {Width::int4, Width::bf16}};
  const auto calibration = [&](const CalibrationGain& gain = {}) {
    const DecoderConfig config = test::small_gpt2();
    return report_passes(config, test::layout_of(config), options, gain).back();
  };
  EXPECT_EQ(calibration().name, "calibration");
  EXPECT_FALSE(calibration().on);
  EXPECT_EQ(calibration().changed, "no text was given: scales span the numbers that they are for");
  const auto seen = std::make_shared<Calibration>();
  seen->tokens = 300;
  options.storage.calibration = {seen};
  const PassReport pass = calibration({.before = 0.00612, .after = 0.0045});
  EXPECT_TRUE(pass.on);
  EXPECT_EQ(pass.changed,
            "scales of 12 matrices by their inputs in 300 tokens: squared error of products 0.612 "
            "-> 0.45 %");
  EXPECT_EQ(pass.layers, 3);
  EXPECT_EQ(pass.bytes, 0);
  EXPECT_EQ(pass.source, "after Lin et al. 2023, arXiv:2306.00978");
  options.storage = {Width::bf16, Width::fp32};
  EXPECT_FALSE(calibration().on);
  EXPECT_EQ(calibration().changed, "bf16 has no scales to choose");
}

TEST(PassReports, SayThatTheHeadStaysAsItIs) {
  const LevelOptions options{.level = 3, .storage = {Width::bf16, Width::fp32}};
  const auto passes = passes_of(test::small_llama(), options);
  EXPECT_FALSE(named(passes, "head").on);
  EXPECT_EQ(named(passes, "head").changed, "output head stays as it is");
  EXPECT_EQ(named(passes, "weights").changed, "21 matrices as bf16");
}

TEST(PassReports, SayHowNarrowKeysAndValuesAre) {
  const auto kv_of = [](DecoderConfig config, Width kv) {
    config.layers[1].has_attention = false;
    const auto passes = passes_of(
        config, {.level = 3, .storage = {.weights = Width::int8, .head = Width::int8, .kv = kv}});
    return named(passes, "kv");
  };
  DecoderConfig config = test::small_llama();  // 2 key/value heads
  for (LayerSpec& layer : config.layers) layer.head_dim = 64;
  const PassReport wide = kv_of(config, Width::fp32);
  EXPECT_FALSE(wide.on);
  EXPECT_EQ(wide.changed, "keys and values stay as they are");
  EXPECT_EQ(wide.bytes, 0);
  const PassReport bf16 = kv_of(config, Width::bf16);
  EXPECT_TRUE(bf16.on);
  EXPECT_EQ(bf16.changed, "keys and values as bf16: 1024 B a token, not 2048");
  EXPECT_EQ(bf16.layers, 2);
  EXPECT_EQ(bf16.bytes, -1024 * config.positions_max);
  EXPECT_EQ(bf16.source, "Kalamkar et al. 2019, arXiv:1905.12322");
  const PassReport int8 = kv_of(config, Width::int8);
  EXPECT_EQ(int8.changed, "keys and values as int8: 544 B a token, not 2048");
  EXPECT_EQ(int8.bytes, (544 - 2048) * config.positions_max);
  EXPECT_EQ(int8.source, "Sheng et al. 2023, arXiv:2303.06865");
}

TEST(PassReports, AreNoneAtLevelsWithoutAPlan) {
  for (const int level : {0, 1}) {
    EXPECT_TRUE(passes_of(test::small_gpt2(), LevelOptions{.level = level}).empty());
  }
}

}  // namespace
}  // namespace crescent::compiled
