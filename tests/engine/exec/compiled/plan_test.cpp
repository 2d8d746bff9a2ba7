#include "engine/exec/compiled/plan.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/engine/exec/compiled/plain_weights.h"

namespace crescent::compiled {
namespace {

std::string letters_of(const Program& program) {
  // One letter a kind of step, in the order of Step's alternatives.
  constexpr std::string_view kLetters = "REnPGANHbesltvgd";
  static_assert(kLetters.size() == std::variant_size_v<Step>);
  std::string letters;
  for (const Step& step : program.steps) letters += kLetters[step.index()];
  return letters;
}

std::string without(std::string_view out, std::string letters) {
  std::erase_if(letters, [=](char c) { return out.find(c) != out.npos; });
  return letters;
}

SiteSet everything() { return {(1u << kSites) - 1}; }

TEST(Plan, HasFiveStepsALayerThatWaitForEachOtherAndNoMore) {
  const test::PlainWeights gpt2(test::small_gpt2()), llama(test::small_llama());
  EXPECT_EQ(letters_of(Plan(gpt2.config, gpt2.weights).program),
            "E"
            "nPAPnPP"
            "nPAPnPP"
            "nPANPnPP"
            "nH");
  EXPECT_EQ(letters_of(Plan(llama.config, llama.weights).program),
            "RE"
            "nPAPnGP"
            "nPAPnGP"
            "nPANPnGP"
            "nH");
}

TEST(Plan, FollowsEachLayersOwnSpec) {
  DecoderConfig config = test::small_gpt2();
  config.layers[0].has_attention = false;
  config.layers[1].has_ffn = false;
  config.layers[2].kv_of_head.clear();  // what is left is the output's bias
  config.layers[2].kv_heads = 0;
  const test::PlainWeights plain(config);
  EXPECT_EQ(letters_of(Plan(plain.config, plain.weights).program),
            "E"
            "nPP"
            "nPANP"
            "nPnPP"
            "nH");
}

TEST(Plan, TurnsOnceForEveryWidthOfHead) {
  DecoderConfig config = test::small_llama();
  config.layers[1].head_dim = 6;
  const test::PlainWeights plain(config);
  EXPECT_EQ(letters_of(Plan(plain.config, plain.weights).program).substr(0, 3), "RRE");
}

TEST(Plan, IsTheSameWorkButForAllRowsWhereOnlySpansAreWatched) {
  const test::PlainWeights plain(test::small_llama());
  const Program bare = make_program(plain.config, plain.weights, {});
  const Program watched = make_program(plain.config, plain.weights, {.taps = {{}, everything()}});
  EXPECT_EQ(without("be", letters_of(watched)), without("N", letters_of(bare)));
  EXPECT_GT(letters_of(watched).size(), letters_of(bare).size());
  EXPECT_EQ(watched.arena_width, bare.arena_width);
}

TEST(Plan, IsTakenApartOnlyWhereATensorWouldHideInAStep) {
  const test::PlainWeights plain(test::small_gpt2());
  const auto with = [&](Site site) {
    const Taps taps{SiteSet{}.add(site), {}};
    return letters_of(make_program(plain.config, plain.weights, {.taps = taps})).substr(0, 11);
  };
  EXPECT_EQ(with(Site::attention_norm), "EnsPAPnPPns");
  EXPECT_EQ(with(Site::attention_output), "EnPAPsdnPPn");
  EXPECT_EQ(with(Site::ffn_up), "EnPAPnPsvPn");
  EXPECT_EQ(with(Site::ffn_activation), "EnPAPnPsPnP");
  EXPECT_EQ(with(Site::ffn_down), "EnPAPnPPsdn");
  EXPECT_EQ(with(Site::attention_softmax), "EnPAtPnPPnP");
}

TEST(Plan, SharesRoomBetweenLayers) {
  DecoderConfig config = test::small_llama();
  const auto width_with = [&](int64_t layers) {
    config.layers =
        whole_layers({.heads = 4, .kv_heads = 2, .head_dim = 4, .ffn_width = 12}, layers);
    const test::PlainWeights plain(config);
    return Plan(plain.config, plain.weights).program.arena_width;
  };
  EXPECT_EQ(width_with(2), width_with(20));
}

TEST(Plan, HasStepsOfTheirOwnForEpiloguesThatAreNotFused) {
  const test::PlainWeights gpt2(test::small_gpt2()), llama(test::small_llama());
  const Passes apart{.fuse_epilogue = false};
  EXPECT_EQ(letters_of(Plan(gpt2.config, gpt2.weights, apart).program),
            "E"
            "nPAPdnPvPd"
            "nPAPdnPvPd"
            "nPANPdnPvPd"
            "nH");
  EXPECT_EQ(letters_of(Plan(llama.config, llama.weights, apart).program),
            "RE"
            "nPAPdnPPgPd"
            "nPAPdnPPgPd"
            "nPANPdnPPgPd"
            "nH");
}

TEST(Plan, KeepsAllRowsToItsEndWithoutLastRows) {
  const test::PlainWeights plain(test::small_llama());
  const std::string narrow = letters_of(Plan(plain.config, plain.weights).program);
  EXPECT_EQ(letters_of(Plan(plain.config, plain.weights, {.last_rows = false}).program),
            without("N", narrow));
}

TEST(Plan, GivesEveryBufferItsOwnRoomWithoutSharing) {
  const test::PlainWeights plain(test::small_llama());
  const Program shared = Plan(plain.config, plain.weights).program;
  const Program apart = Plan(plain.config, plain.weights, {.share_arena = false}).program;
  EXPECT_EQ(letters_of(apart), letters_of(shared));
  ASSERT_EQ(apart.widths, shared.widths);
  int64_t sum = 0;
  for (const int64_t width : apart.widths) sum += (width + 15) / 16 * 16;
  EXPECT_EQ(apart.arena_width, sum);
  EXPECT_LT(shared.arena_width, sum);
}

}  // namespace
}  // namespace crescent::compiled
