#include "profiler/profile.h"

#include <gtest/gtest.h>

#include "engine/error.h"
#include "profiler/recorder.h"
#include "tests/profiler/hand_clock.h"

namespace crescent {
namespace {

constexpr RecorderOptions kAll{.layers = true, .components = true, .operations = true};

/// A model of two layers whose times are known to the ns.
struct Model {
  explicit Model(const RecorderOptions& options = kAll) : recorder(options, clock, false) {}

  void site(Site site, int layer, int64_t ns) {
    if (!recorder.wanted_spans().has(site)) return clock.pass(ns);
    recorder.begin(site, layer);
    clock.pass(ns);
    recorder.end(site, layer);
  }

  void pass(Section section, SectionSize size, int64_t slow = 1) {
    const SectionSpan span(&recorder, section, size);
    const bool layers = recorder.wanted_spans().has(Site::block);
    for (int layer = 0; layer < 2; ++layer) {
      if (layers) recorder.begin(Site::block, layer);
      site(Site::qkv, layer, 10 * slow);
      site(Site::ffn_down, layer, 20 * slow);
      clock.pass(3 * slow);
      if (layers) recorder.end(Site::block, layer);
    }
    site(Site::head, -1, 40 * slow);
    clock.pass(4 * slow);
  }

  HandClock clock;
  Recorder recorder;
};

void expect_adds_up(const ProfileNode& node) {
  if (node.children.empty()) return;
  double sum = 0;
  for (const ProfileNode& child : node.children) {
    EXPECT_LE(child.time_ns, node.time_ns) << child.name;
    sum += child.time_ns;
    expect_adds_up(child);
  }
  EXPECT_NEAR(sum, node.time_ns, 1e-6) << node.name;
}

const ProfileNode& at(const ProfileNode& node, std::initializer_list<const char*> path) {
  const ProfileNode* here = &node;
  for (const char* name : path) {
    const ProfileNode* next = here->child(name);
    if (!next) throw std::runtime_error(fmt::format("no '{}' in '{}'", name, here->name));
    here = next;
  }
  return *here;
}

TEST(Profile, SumsAndCountsAreExact) {
  Model model;
  model.pass(Section::prefill, {8, 0}, 10);
  model.clock.pass(7);
  model.pass(Section::decode, {1, 8});
  model.pass(Section::decode, {1, 9});
  const ProfileNode tree = build_profile(model.recorder.finish());
  expect_adds_up(tree);
  EXPECT_EQ(tree.time_ns, 1100 + 7 + 220);
  EXPECT_EQ(at(tree, {"self"}).time_ns, 7);
  EXPECT_EQ(at(tree, {"prefill"}).time_ns, 1100);
  EXPECT_EQ(at(tree, {"decode"}).count, 2);
  EXPECT_EQ(at(tree, {"decode"}).time_ns, 220);
  EXPECT_EQ(at(tree, {"decode", "self"}).time_ns, 8);
  EXPECT_EQ(at(tree, {"decode", "layer 2"}).time_ns, 66);
  EXPECT_EQ(at(tree, {"decode", "layer 2", "qkv"}).time_ns, 20);
  EXPECT_EQ(at(tree, {"decode", "layer 2", "qkv"}).count, 2);
  EXPECT_EQ(at(tree, {"decode", "layer 2", "self"}).time_ns, 6);
  EXPECT_EQ(at(tree, {"decode", "head"}).time_ns, 80);
}

TEST(Profile, ChildrenStandInTheOrderOfTime) {
  Model model;
  model.pass(Section::prefill, {8, 0});
  model.pass(Section::decode, {1, 8});
  const ProfileNode tree = build_profile(model.recorder.finish());
  std::vector<std::string> names;
  for (const ProfileNode& child : at(tree, {"decode"}).children) names.push_back(child.name);
  EXPECT_EQ(names, (std::vector<std::string>{"layer 1", "layer 2", "head", "self"}));
}

TEST(Profile, WindowsHoldWhatHappenedInThem) {
  Model model;
  model.recorder.begin_window("outer");
  model.clock.pass(5);
  model.recorder.begin_window("inner");
  model.pass(Section::decode, {1, 0});
  model.recorder.end_window("inner");
  model.recorder.end_window("outer");
  const ProfileNode tree = build_profile(model.recorder.finish());
  expect_adds_up(tree);
  EXPECT_EQ(at(tree, {"outer", "inner", "decode"}).time_ns, 110);
  EXPECT_EQ(at(tree, {"outer"}).time_ns, 115);
  EXPECT_EQ(at(tree, {"outer", "self"}).time_ns, 5);
}

TEST(Profile, FoldedLayersKeepTheSums) {
  Model model;
  model.pass(Section::decode, {1, 8});
  const ProfileNode tree = fold_layers(build_profile(model.recorder.finish()));
  expect_adds_up(tree);
  const ProfileNode& layers = at(tree, {"decode", "2 layers"});
  EXPECT_EQ(layers.time_ns, 66);
  EXPECT_EQ(layers.count, 2);
  EXPECT_EQ(at(layers, {"ffn.down"}).time_ns, 40);
  EXPECT_EQ(at(layers, {"ffn.down"}).count, 2);
  EXPECT_EQ(at(layers, {"self"}).time_ns, 6);
  EXPECT_FALSE(layers.estimated);
}

TEST(Profile, WorkIsThatOfEverySpanInItsSection) {
  Model model;
  model.pass(Section::prefill, {8, 0});
  model.pass(Section::decode, {1, 8});
  ProfileOptions options;
  options.work = [](Site site, int16_t, Section, SectionSize size) -> std::optional<Work> {
    if (site != Site::qkv) return std::nullopt;
    return Work{100.0 * size.tokens, 10.0 + size.past};
  };
  const ProfileNode tree = build_profile(model.recorder.finish(), options);
  EXPECT_EQ(at(tree, {"prefill", "layer 1", "qkv"}).work->flops, 800);
  EXPECT_EQ(at(tree, {"prefill", "layer 1"}).work->flops, 800);
  EXPECT_EQ(at(tree, {"decode"}).work->flops, 200);
  EXPECT_EQ(at(tree, {"decode"}).work->bytes, 36);
  EXPECT_EQ(tree.work->flops, 1800);
  EXPECT_FALSE(at(tree, {"decode", "head"}).work);
}

TEST(Profile, SampledTokensAreScaledUpToAllAndMarked) {
  RecorderOptions recorded = kAll;
  recorded.every_token = 2;
  Model model(recorded);
  // The steps that are looked into are twice as fast as the others.
  for (int step = 0; step < 4; ++step) model.pass(Section::decode, {1, step}, 1 + step % 2);
  const ProfileNode tree = build_profile(model.recorder.finish(), {.every_token = 2});
  expect_adds_up(tree);
  const ProfileNode& decode = at(tree, {"decode"});
  EXPECT_EQ(decode.count, 4);
  EXPECT_EQ(decode.time_ns, 660);
  EXPECT_FALSE(decode.estimated);
  const ProfileNode& head = at(decode, {"head"});
  EXPECT_TRUE(head.estimated);
  EXPECT_EQ(head.count, 4);
  EXPECT_NEAR(head.time_ns, 240, 1e-9);
}

TEST(Profile, SampledLayersAreScaledUpInTheSummary) {
  RecorderOptions recorded = kAll;
  recorded.every_layer = 2;
  Model model(recorded);
  model.pass(Section::decode, {1, 0});
  const ProfileNode tree = build_profile(model.recorder.finish(), {.every_layer = 2});
  EXPECT_TRUE(at(tree, {"decode", "layer 2"}).children.empty());
  const ProfileNode folded = fold_layers(tree, 2);
  expect_adds_up(folded);
  const ProfileNode& qkv = at(folded, {"decode", "2 layers", "qkv"});
  EXPECT_NEAR(qkv.time_ns, 20, 1e-9);
  EXPECT_EQ(qkv.count, 2);
  EXPECT_TRUE(qkv.estimated);
}

TEST(Profile, TheProfilersOwnWorkIsTakenOutOfWhereItHappened) {
  Model model;
  model.recorder.begin_section(Section::decode, {1, 0});
  model.recorder.begin(Site::block, 0);
  model.recorder.begin(Site::qkv, 0);
  model.clock.pass(10);
  model.recorder.own_work([&] { model.clock.pass(100); });
  model.recorder.end(Site::qkv, 0);
  model.recorder.own_work([&] { model.clock.pass(200); });
  model.recorder.end(Site::block, 0);
  model.recorder.end_section(Section::decode);
  model.recorder.own_work([&] { model.clock.pass(400); });
  const ProfileNode tree = build_profile(model.recorder.finish());
  expect_adds_up(tree);
  EXPECT_EQ(at(tree, {"decode", "layer 1", "qkv"}).time_ns, 10);
  EXPECT_TRUE(at(tree, {"decode", "layer 1", "qkv"}).children.empty());
  EXPECT_EQ(at(tree, {"decode", "layer 1"}).time_ns, 10);
  EXPECT_EQ(at(tree, {"decode", "profiling"}).time_ns, 300);
  EXPECT_EQ(at(tree, {"decode", "profiling"}).count, 2);
  EXPECT_EQ(at(tree, {"profiling"}).time_ns, 400);
}

TEST(Profile, TwoRunsAddUp) {
  Model first, second;
  first.pass(Section::decode, {1, 0});
  second.pass(Section::decode, {1, 0}, 2);
  second.recorder.begin_window("more");
  second.clock.pass(3);
  second.recorder.end_window("more");
  ProfileNode tree = build_profile(first.recorder.finish());
  add_profile(tree, build_profile(second.recorder.finish()));
  expect_adds_up(tree);
  EXPECT_EQ(tree.time_ns, 110 + 220 + 3);
  EXPECT_EQ(at(tree, {"decode", "layer 1", "qkv"}).time_ns, 30);
  EXPECT_EQ(at(tree, {"decode"}).count, 2);
  EXPECT_EQ(at(tree, {"more"}).time_ns, 3);
}

TEST(Profile, CountsWhatWasCut) {
  Model model;
  model.recorder.begin_window("w");
  model.clock.pass(1);
  model.recorder.abandon_window();
  EXPECT_EQ(at(build_profile(model.recorder.finish()), {"w"}).cut, 1);
}

TEST(Profile, RefusesSpansThatDontNest) {
  Recording recording;
  recording.duration_ns = 100;
  recording.spans = {{0, 50, SpanKind::section, static_cast<uint8_t>(Section::prefill), -1},
                     {40, 90, SpanKind::section, static_cast<uint8_t>(Section::decode), -1}};
  try {
    build_profile(recording);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "spans don't nest: 'prefill' (0 .. 50 ns) and 'decode' (40 .. 90 ns) overlap");
  }
}

}  // namespace
}  // namespace crescent
