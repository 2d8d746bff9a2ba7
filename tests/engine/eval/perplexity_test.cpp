#include "engine/eval/perplexity.h"

#include <ATen/ops/log_softmax.h>

#include <array>
#include <cstdio>

#include "engine/eval/windows.h"
#include "engine/exec/forward.h"
#include "engine/interrupt.h"
#include "tests/engine/exec/fixture.h"

namespace crescent::test {
namespace {

TEST(Windows, ScoreEveryTargetOnceInTheFirstWindowThatHoldsItWithAPredecessor) {
  for (const int64_t tokens : {2, 3, 9, 10, 11, 57}) {
    for (const int64_t stride : {1, 3, 9}) {
      std::vector<int> scored(static_cast<size_t>(tokens), 0);
      for (const Window& w : windows_over(tokens, 10, stride)) {
        EXPECT_LE(w.end - w.begin, 10);
        EXPECT_GT(w.first_target, w.begin);
        for (int64_t t = w.first_target; t < w.end; ++t) ++scored[static_cast<size_t>(t)];
      }
      EXPECT_EQ(scored[0], 0);
      EXPECT_EQ(std::count(scored.begin() + 1, scored.end(), 1), tokens - 1);
    }
  }
}

TEST(Windows, WithoutOverlapLoseTheFirstTokenOfEach) {
  const auto windows = windows_over(25, 10, 10);
  ASSERT_EQ(windows.size(), 3u);
  int64_t targets = 0;
  for (const Window& w : windows) targets += w.end - w.first_target;
  EXPECT_EQ(targets, 9 + 9 + 4);
}

TEST(Windows, RunTogetherWhereTheyAreEquallyLong) {
  const auto windows = windows_over(47, 10, 10);
  const auto batches = batches_of(windows, 3);
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_EQ(batches[0].size(), 3u);
  EXPECT_EQ(batches[1].size(), 1u);
  EXPECT_EQ(batches[2].size(), 1u);
  EXPECT_EQ(batches[2][0].end - batches[2][0].begin, 7);
}

std::vector<int32_t> walk(int64_t tokens) {
  const at::Tensor ids = some_ids(1, tokens, 96);
  const int64_t* id = ids.data_ptr<int64_t>();
  return {id, id + tokens};
}

TEST(Perplexity, IsTheExponentialOfTheMeanOverTheTargets) {
  const auto model = load("gpt2");
  const std::vector<int32_t> ids = walk(30);
  const Perplexity measured = perplexity(*model, ids, {.window = 30, .stride = 30});
  const at::Tensor log_p =
      at::log_softmax(forward(*model, ids_tensor(*model, ids))[0].to(at::kDouble), -1);
  double nll = 0;
  for (int64_t t = 1; t < 30; ++t) nll -= log_p[t - 1][ids[static_cast<size_t>(t)]].item<double>();
  EXPECT_EQ(measured.tokens, 29);
  EXPECT_NEAR(measured.nll_nats, nll, 1e-4);
  EXPECT_NEAR(measured.perplexity, std::exp(nll / 29), 1e-3);
}

TEST(Perplexity, DoesNotDependOnHowManyWindowsRunTogether) {
  const auto model = load("llama");
  const std::vector<int32_t> ids = walk(100);
  const Perplexity one = perplexity(*model, ids, {.window = 16, .stride = 5, .batch = 1});
  const Perplexity many = perplexity(*model, ids, {.window = 16, .stride = 5, .batch = 7});
  EXPECT_EQ(one.tokens, 99);
  EXPECT_EQ(many.tokens, 99);
  EXPECT_NEAR(one.nll_nats, many.nll_nats, 1e-4);
}

TEST(Perplexity, TellsHowFarItIs) {
  const auto model = load("gpt2");
  std::vector<int64_t> done;
  perplexity(
      *model, walk(50),
      {.window = 10, .stride = 10, .batch = 2, .on_progress = [&](int64_t at, int64_t total) {
         done.push_back(at);
         EXPECT_EQ(total, 50);
       }});
  EXPECT_EQ(done, (std::vector<int64_t>{20, 40, 50}));
}

TEST(Perplexity, StopsAtAnInterrupt) {
  const auto model = load("gpt2");
  interrupt_requested = true;
  EXPECT_THROW(perplexity(*model, walk(50), {.window = 10, .stride = 10}), Interrupted);
  interrupt_requested = false;
}

TEST(Perplexity, RefusesWhatItCannotMeasure) {
  const auto model = load("gpt2");
  const auto message = [&](std::vector<int32_t> ids, PerplexityOptions options) {
    return message_of([&] { perplexity(*model, ids, options); });
  };
  EXPECT_EQ(message({}, {}),
            "the text has 0 tokens: expected at least 2, since one predicts the next");
  EXPECT_EQ(message({5}, {}),
            "the text has 1 token: expected at least 2, since one predicts the next");
  EXPECT_EQ(message({5, 6}, {.window = 49}),
            "option 'window': expected 2 .. 48 (the model's positions), got 49");
  EXPECT_EQ(message({5, 6}, {.window = 1}),
            "option 'window': expected 2 .. 48 (the model's positions), got 1");
  EXPECT_EQ(message({5, 6}, {.window = 8, .stride = 9}),
            "option 'stride': expected 1 .. 8 (the window), got 9");
  EXPECT_EQ(message({5, 6}, {.window = 8, .stride = 0}),
            "option 'stride': expected 1 .. 8 (the window), got 0");
  EXPECT_EQ(message({5, 6}, {.window = 8, .stride = 8, .batch = 0}),
            "batch: expected at least 1, got 0");
  EXPECT_EQ(message({5, 96}, {.window = 8, .stride = 8}),
            "token id 96 at position 2 is outside the vocabulary: expected 0 .. 95");
}

TEST(Agreement, IsPerfectOfAModelWithItself) {
  const auto model = load("gpt2");
  const Agreement same = agreement(*model, *model, walk(60), {.window = 16, .batch = 3});
  EXPECT_EQ(same.kl_nats, 0);
  EXPECT_EQ(same.top1, 1);
  EXPECT_EQ(same.max_abs_logit, 0);
  EXPECT_EQ(same.tokens, 60);
}

TEST(Agreement, TellsTwoModelsApartAndTwoLevelsNot) {
  const auto model = load("llama"), other = load("llama_tied_linear");
  const Agreement levels = agreement(*model, *model->at_level(0), walk(60), {.window = 16});
  EXPECT_LT(std::abs(levels.kl_nats), 1e-9);  // float32 logits, log-probabilities in double
  EXPECT_GT(levels.top1, 0.99);
  const Agreement models = agreement(*model, *other, walk(60), {.window = 16});
  EXPECT_GT(models.kl_nats, 0.1);
  EXPECT_LT(models.top1, 0.5);
  EXPECT_GT(models.max_abs_logit, 1);
  const std::vector<Window> whole{{0, 16, 0}};
  const at::Tensor logits = forward(*other, window_ids(walk(16), whole));
  EXPECT_NEAR(agreement(*model, *other, walk(16), {.window = 16}).logit_spread,
              logits.to(at::kDouble).std(false).item<double>(), 1e-9);
}

TEST(Agreement, RefusesTwoVocabularies) {
  EXPECT_EQ(message_of([&] { agreement(*load("gpt2"), *load("gpt2_text"), walk(60), {}); }),
            "agreement: the vocabularies differ: 96 and 1000 ids");
}

/// What a shell command prints; nothing if it fails.
std::string output_of(const char* command) {
  std::string text;
  FILE* pipe = popen(command, "r");
  if (pipe == nullptr) return text;
  std::array<char, 1 << 16> buffer;
  for (size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    text.append(buffer.data(), n);
  return pclose(pipe) == 0 ? text : "";
}

TEST(TinyKjv, HasTheReferencesPerplexityOnTheHeldOutText) {
  const std::string text = output_of(
      "bible -f gen1:1-rev22:21 2>/dev/null | sed -E 's/^[0-9]?[A-Za-z]+[0-9]+:[0-9]+ //' | tail "
      "-n +29548");
  if (text.empty()) GTEST_SKIP() << "the package bible-kjv is not installed";
  ASSERT_EQ(text.size(), 199071u);
  const auto model = load_model(fs::path(CRESCENT_SOURCE) / "examples/models/tiny", {});
  const std::vector<int32_t> ids = model->tokenizer()->encode(text, {});
  ASSERT_EQ(ids.size(), 57215u);
  const Perplexity apart = perplexity(*model, ids, {.window = 256, .stride = 256});
  EXPECT_EQ(apart.tokens, 56991);
  EXPECT_NEAR(apart.nll_nats, 228306.204, 0.5);
  EXPECT_NEAR(apart.perplexity, 54.9270, 54.9270 * 1e-3);
}

TEST(TinyKjv, HasTheReferencesPerplexityWithOverlap) {
  const std::string text = output_of(
      "bible -f gen1:1-rev22:21 2>/dev/null | sed -E 's/^[0-9]?[A-Za-z]+[0-9]+:[0-9]+ //' | tail "
      "-n +29548");
  if (text.empty()) GTEST_SKIP() << "the package bible-kjv is not installed";
  const auto model = load_model(fs::path(CRESCENT_SOURCE) / "examples/models/tiny", {});
  const std::vector<int32_t> ids = model->tokenizer()->encode(text, {});
  const Perplexity overlapping = perplexity(*model, ids, {.window = 256, .stride = 128});
  EXPECT_EQ(overlapping.tokens, 57214);
  EXPECT_NEAR(overlapping.nll_nats, 228271.300, 0.5);
  EXPECT_NEAR(overlapping.perplexity, 54.0430, 54.0430 * 1e-3);
}

}  // namespace
}  // namespace crescent::test
