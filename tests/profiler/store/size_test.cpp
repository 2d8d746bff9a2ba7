// What a token takes in the file, at 12 layers.
#include <gtest/gtest.h>

#include <random>

#include "profiler/span_codec.h"
#include "profiler/store/writer.h"
#include "tests/profiler/store/made_trials.h"
#include "tests/support.h"

namespace crescent {
namespace {

constexpr int kTokens = 512;
constexpr int16_t kLayers = 12;
constexpr int kComponents = 10;
constexpr int kOperations = 4;

enum class Detail { minimal, standard, deep };

/// A recording of GPT-2 124M's decode, about 25 ms a token: decode, sample and detokenise, and in
/// decode what the detail asks for.
class Recorder {
 public:
  explicit Recorder(Detail detail) : detail_(detail) {}

  TrialRecord record() {
    SampleRecord samples{"token_ms", {{}, "ms"}};
    TokenTotals decode{"decode", {}}, sample{"sample", {}}, detokenize{"detokenize", {}};
    for (int token = 0; token < kTokens; ++token) {
      const int64_t begin = now_;
      decode.ns.emplace_back(section(Section::decode, token));
      sample.ns.emplace_back(section(Section::sample, token));
      detokenize.ns.emplace_back(section(Section::detokenize, token));
      samples.samples.values.push_back(static_cast<double>(now_ - begin) / 1e6);
    }
    TrialRecord trial{.tokens = kTokens, .duration_ns = now_, .spans = packed_.bytes()};
    trial.samples = {samples};
    trial.token_totals = {decode, sample, detokenize};
    trial.profile = tree();
    if (detail_ != Detail::minimal) trial.statistics = statistics();
    return trial;
  }

 private:
  void pass(int64_t mean_ns) {
    now_ += static_cast<int64_t>(static_cast<double>(mean_ns) * spread_(random_));
  }
  void end(SpanKind kind, int id, int16_t layer, int64_t begin, SectionSize size = {}) {
    packed_.add({.begin_ns = begin,
                 .end_ns = now_,
                 .kind = kind,
                 .id = static_cast<uint8_t>(id),
                 .layer = layer,
                 .size = size});
  }

  int64_t section(Section which, int token) {
    const int64_t begin = now_;
    const bool inside = which == Section::decode && detail_ != Detail::minimal;
    if (inside) {
      for (int16_t layer = 0; layer < kLayers; ++layer) block(layer);
      for (int i = 0; i < 3; ++i) site(19 + i, -1, 2'000'000);
    } else {
      pass(which == Section::decode ? 25'000'000 : 100'000);
    }
    const int64_t took = now_ - begin;
    end(SpanKind::section, static_cast<int>(which), -1, begin, {1, token});
    return took;
  }

  void block(int16_t layer) {
    const int64_t begin = now_;
    for (int component = 0; component < kComponents; ++component) {
      const int64_t began = now_;
      if (component == 3 && detail_ == Detail::deep)
        for (int operation = 0; operation < kOperations; ++operation)
          site(4 + operation, layer, 40'000);
      // norm, qkv, attention, output, residual; norm, up, activation, down, residual
      constexpr int64_t kTook[] = {4'000, 300'000, 60'000, 110'000, 2'000,
                                   4'000, 400'000, 6'000,  400'000, 2'000};
      pass(kTook[component]);
      end(SpanKind::site, component, layer, began);
    }
    end(SpanKind::site, static_cast<int>(Site::block), layer, begin);
  }
  void site(int id, int16_t layer, int64_t mean_ns) {
    const int64_t begin = now_;
    pass(mean_ns);
    end(SpanKind::site, id, layer, begin);
  }

  ProfileNode node(NodeKind kind, std::string name, int16_t layer = -1) {
    return {.kind = kind,
            .layer = layer,
            .name = std::move(name),
            .count = kTokens,
            .time_ns = 1e6 * spread_(random_),
            .work = Work{.flops = 1e9 * spread_(random_), .bytes = 1e8}};
  }
  /// Sections; below prefill and decode layers, components, operations, each with a 'self'.
  ProfileNode tree() {
    ProfileNode root = node(NodeKind::run, "run");
    for (const char* name : {"tokenize", "prefill", "decode", "sample", "detokenize"}) {
      ProfileNode section = node(NodeKind::section, name);
      const bool forward = section.name == "prefill" || section.name == "decode";
      for (int16_t layer = 0; forward && layer < kLayers && detail_ != Detail::minimal; ++layer) {
        ProfileNode block = node(NodeKind::layer, "layer " + std::to_string(layer + 1), layer);
        for (int i = 0; i < kComponents; ++i) {
          ProfileNode part = node(NodeKind::component, "attention.norm", layer);
          for (int j = 0; i == 3 && detail_ == Detail::deep && j < kOperations; ++j)
            part.children.push_back(node(NodeKind::operation, "scale+mask", layer));
          block.children.push_back(part);
        }
        block.children.push_back(node(NodeKind::self, "self", layer));
        section.children.push_back(block);
      }
      root.children.push_back(section);
    }
    return root;
  }

  /// Four figures of each component's tensor; in deep mode three of each head too.
  std::vector<StatisticRecord> statistics() {
    std::vector<StatisticRecord> rows;
    for (const char* section : {"prefill", "decode"})
      for (int layer = 0; layer < kLayers; ++layer) {
        for (int i = 0; i < kComponents; ++i)
          for (const char* name : {"mean_abs", "deviation", "max", "share_below"})
            rows.push_back({.section = section,
                            .site = "attention.norm",
                            .layer = layer,
                            .name = name,
                            .value = spread_(random_),
                            .count = 768 * kTokens});
        for (int head = 0; detail_ == Detail::deep && head < 12; ++head)
          for (const char* name : {"entropy", "max_weight", "sparsity"})
            rows.push_back({.section = section,
                            .site = "softmax",
                            .layer = layer,
                            .head = head,
                            .name = name,
                            .value = spread_(random_),
                            .count = kTokens});
      }
    return rows;
  }

  Detail detail_;
  int64_t now_ = 0;
  std::mt19937_64 random_{1};
  std::uniform_real_distribution<double> spread_{0.5, 1.5};
  SpanPacker packed_;
};

double bytes_per_token(Detail detail) {
  const TemporaryFolder folder;
  {
    StoreWriter writer(folder / "runs.db");
    const int64_t run = writer.begin_run(made_run());
    writer.add_trial(run, Recorder(detail).record());
    writer.finish_run(run, RunStatus::done);
  }  // the last one who closes it brings the log into the file
  EXPECT_EQ(folder.names(), std::vector<std::string>{"runs.db"});
  const auto bytes = static_cast<double>(std::filesystem::file_size(folder / "runs.db"));
  const double per_token = bytes / kTokens;
  ::testing::Test::RecordProperty("bytes_per_token", std::to_string(per_token));
  return per_token;
}

TEST(StoreSize, IsAtMost200BytesATokenInMinimalMode) {
  EXPECT_LE(bytes_per_token(Detail::minimal), 200);
}
TEST(StoreSize, IsAtMost1KilobyteATokenInStandardMode) {
  EXPECT_LE(bytes_per_token(Detail::standard), 1000);
}
TEST(StoreSize, IsAtMost5KilobytesATokenInDeepMode) {
  EXPECT_LE(bytes_per_token(Detail::deep), 5000);
}

}  // namespace
}  // namespace crescent
