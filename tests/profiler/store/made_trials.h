#pragma once
// Trials and profiles as the profiler makes them, from a seed.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "profiler/store/records.h"

namespace crescent {

inline RunRecord made_run(std::string name = "decode") {
  return {.kind = RunKind::profile,
          .name = std::move(name),
          .definition = R"({"tokens":4})",
          .definition_hash = "d41d8cd9",
          .model = "gpt2  12 layers x 12 heads",
          .model_hash = "e3b0c442",
          .threads = 2,
          .environment = {{"cpu", "a machine's name"}, {"versions", "LuaJIT 2.1"}},
          .options = {{"seed", "1"}, {"text", "\"In the beginning\""}},
          .warnings = {"the machine is busy"}};
}

/// `values` samples, and whatever else a trial can hold, a little of each.
inline TrialRecord made_trial(uint64_t seed, size_t values = 3) {
  std::mt19937_64 random(seed);
  const auto value = [&] { return static_cast<double>(random() % 10'000'000) / 1e6; };
  TrialRecord trial{.candidate = "level 1",
                    .tokens = static_cast<int64_t>(values),
                    .duration_ns = static_cast<int64_t>(random() % 1'000'000'000),
                    .spans = std::string("\0\x7f\xff", 3),
                    .windows = {"answer", "with \"quotes\""}};
  SampleRecord& sample = trial.samples.emplace_back();
  sample.name = "token_ms";
  sample.samples.unit = "ms";
  for (size_t i = 0; i < values; ++i) sample.samples.values.push_back(value());
  trial.samples.push_back({"third", {{1.0 / 3, -0.0, 1e-300}, "ms"}});
  trial.profile = ProfileNode{
      .kind = NodeKind::run,
      .name = "run",
      .count = 1,
      .time_ns = 1000.25,
      .children = {{.kind = NodeKind::section,
                    .id = 3,
                    .name = "decode",
                    .count = 4,
                    .time_ns = 900,
                    .work = Work{.flops = 1e9, .bytes = 5e8},
                    .estimated = true,
                    .cut = 2,
                    .children = {{.kind = NodeKind::layer, .layer = 11, .name = "layer 12"},
                                 {.kind = NodeKind::self, .name = "self", .time_ns = 0.1}}},
                   {.kind = NodeKind::profiling, .name = "profiling", .time_ns = 100.25}}};
  trial.statistics = {{.section = "prefill",
                       .site = "ffn.activation",
                       .layer = 0,
                       .name = "mean_abs",
                       .value = value(),
                       .count = 3072},
                      {.section = "decode",
                       .site = "softmax",
                       .layer = 11,
                       .head = 3,
                       .name = "entropy",
                       .value = value(),
                       .count = 12}};
  trial.token_totals = {{"decode", {std::nullopt, 1234567, 0}}, {"prefill", {7654321}}};
  trial.tracks = {{.name = "absent",
                   .unit = "J",
                   .label = TrackLabel::absent,
                   .reason = "no RAPL counters: permission denied"},
                  {.name = "rss", .unit = "bytes", .times_ns = {0, 1000}, .values = {1.5, 4096}}};
  return trial;
}

inline void expect_equal(const ProfileNode& a, const ProfileNode& b) {
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.layer, b.layer);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.count, b.count);
  EXPECT_EQ(a.time_ns, b.time_ns);
  ASSERT_EQ(a.work.has_value(), b.work.has_value());
  if (a.work) {
    EXPECT_EQ(a.work->flops, b.work->flops);
    EXPECT_EQ(a.work->bytes, b.work->bytes);
  }
  EXPECT_EQ(a.estimated, b.estimated);
  EXPECT_EQ(a.cut, b.cut);
  ASSERT_EQ(a.children.size(), b.children.size());
  for (size_t i = 0; i < a.children.size(); ++i) expect_equal(a.children[i], b.children[i]);
}

}  // namespace crescent
