// The plan with a team of our own threads, so that the thread sanitizer can look at it.
#include "engine/exec/compiled/run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <stdexcept>
#include <thread>

#include "engine/interrupt.h"
#include "tests/engine/exec/compiled/plain_weights.h"

namespace crescent::compiled {
namespace {

/// Logits of ids (B, T), fed in chunks of `step` tokens by a runner of its own.
struct Fed {
  int64_t batch = 1, tokens = 12, step = 12;
  int threads = 1;
};

std::shared_ptr<const Plan> plan_of(const test::PlainWeights& plain, const Passes& passes = {},
                                    Width kv = Width::fp32) {
  return std::make_shared<const Plan>(plain.config, plain.weights, passes, kv);
}

std::vector<int64_t> ids_of(const Fed& fed, int64_t vocab) {
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < fed.batch * fed.tokens; ++i) ids.push_back((7 * i + i / 5) % vocab);
  return ids;
}

std::vector<float> logits_of(const std::shared_ptr<const Plan>& plan, const Fed& fed) {
  const int64_t vocab = plan->config.vocab;
  const std::vector<int64_t> ids = ids_of(fed, vocab);
  const auto team = make_thread_team(fed.threads);
  Runner runner(plan, {.batch = fed.batch, .capacity = fed.tokens, .threads = fed.threads},
                "a test");
  std::vector<float> all(static_cast<size_t>(fed.batch * fed.tokens * vocab));
  for (int64_t past = 0; past < fed.tokens;) {
    const int64_t count = std::min(fed.step, fed.tokens - past);
    std::vector<int64_t> some;
    for (int64_t b = 0; b < fed.batch; ++b) {
      const auto first = ids.begin() + b * fed.tokens + past;
      some.insert(some.end(), first, first + count);
    }
    std::vector<float> logits(static_cast<size_t>(fed.batch * count * vocab));
    EXPECT_TRUE(runner.run(*team, {.ids = some, .past = past, .logits = logits.data()}));
    for (int64_t b = 0; b < fed.batch; ++b) {
      std::copy_n(logits.begin() + b * count * vocab, count * vocab,
                  all.begin() + (b * fed.tokens + past) * vocab);
    }
    past += count;
  }
  return all;
}

/// Within `share` of the greatest one.
void expect_close(const std::vector<float>& ours, const std::vector<float>& expected, float share) {
  ASSERT_EQ(ours.size(), expected.size());
  float most = 0;
  for (const float x : expected) most = std::max(most, std::abs(x));
  for (size_t i = 0; i < ours.size(); ++i) ASSERT_NEAR(ours[i], expected[i], share * most) << i;
}

/// With room for two pieces of many tokens each.
DecoderConfig config_of(bool llama) {
  DecoderConfig config = llama ? test::small_llama() : test::small_gpt2();
  config.positions_max = 20;
  return config;
}

class Runners : public testing::TestWithParam<bool> {
 protected:
  test::PlainWeights plain_{config_of(GetParam())};
  std::shared_ptr<const Plan> plan_ = plan_of(plain_);
};

TEST_P(Runners, GiveTheSameBitsWithAnyNumberOfThreads) {
  for (const int64_t step : {1, 3, 12}) {
    const std::vector<float> one = logits_of(plan_, {.batch = 3, .step = step});
    for (const int threads : {2, 3, 5}) {
      EXPECT_EQ(logits_of(plan_, {.batch = 3, .step = step, .threads = threads}), one)
          << threads << " threads, " << step << " at once";
    }
  }
}

TEST_P(Runners, GiveTheSameBitsAsLongAsTheRowsAreFewOrMany) {
  const std::vector<float> many = logits_of(plan_, {.batch = 2});
  const std::vector<float> twenty = logits_of(plan_, {.batch = 2, .tokens = 20, .step = 20});
  EXPECT_EQ(logits_of(plan_, {.batch = 2, .tokens = 20, .step = 10, .threads = 2}), twenty);
  const std::vector<float> few = logits_of(plan_, {.batch = 2, .step = 1});
  for (const int64_t step : {2, 3, 4})
    EXPECT_EQ(logits_of(plan_, {.batch = 2, .step = step, .threads = 2}), few) << step;
  expect_close(few, many, 1e-5f);
  expect_close(logits_of(plan_, {.batch = 2, .step = 11}), many, 1e-5f);
}

TEST_P(Runners, GiveTheSameBitsWithoutAnyPass) {
  for (const int64_t step : {1, 5, 12}) {
    const std::vector<float> expected = logits_of(plan_, {.batch = 2, .step = step});
    for (const Passes& passes : {Passes{.fuse_epilogue = false}, Passes{.last_rows = false},
                                 Passes{.share_arena = false}, Passes{false, false, false}})
      EXPECT_EQ(logits_of(plan_of(plain_, passes), {.batch = 2, .step = step, .threads = 2}),
                expected)
          << step;
  }
}

TEST_P(Runners, GiveTheSameFromNarrowWeightsToo) {
  for (const Width width : {Width::bf16, Width::int8, Width::int8_grouped, Width::int4}) {
    SCOPED_TRACE(kernels::name_of(width));
    const test::PlainWeights narrow(plain_.config, width);
    const auto plan = plan_of(narrow);
    const std::vector<float> one = logits_of(plan, {.batch = 2});
    EXPECT_NE(one, logits_of(plan_, {.batch = 2}));
    for (const int64_t step : {1, 5})
      expect_close(logits_of(plan, {.batch = 2, .step = step, .threads = 2}), one, 1e-4f);
    EXPECT_EQ(logits_of(plan_of(narrow, {false, false, false}), {.batch = 2}), one);
  }
}

/// Where few and many rows' products differ in their last bits, a key or a value may be rounded to
/// the other side, which is 2^-8 of it. Measured here: none is, 5e-7 of the greatest logit.
constexpr float kOtherwiseRounded = 0.004f;

TEST_P(Runners, GiveTheSameBitsFromANarrowCacheAsLongAsTheRowsAreFewOrMany) {
  for (const Width kv : {Width::bf16, Width::int8}) {
    SCOPED_TRACE(kernels::name_of(kv));
    const auto plan = plan_of(plain_, {}, kv);
    const std::vector<float> many = logits_of(plan, {.batch = 2});
    const std::vector<float> twenty = logits_of(plan, {.batch = 2, .tokens = 20, .step = 20});
    const std::vector<float> few = logits_of(plan, {.batch = 2, .step = 1});
    EXPECT_NE(many, logits_of(plan_, {.batch = 2}));
    for (const int threads : {1, 2, 5}) {
      EXPECT_EQ(logits_of(plan, {.batch = 2, .tokens = 20, .step = 10, .threads = threads}), twenty)
          << threads;
      for (const int64_t step : {1, 2, 3, 4})
        EXPECT_EQ(logits_of(plan, {.batch = 2, .step = step, .threads = threads}), few)
            << step << " at once, " << threads << " threads";
    }
    expect_close(few, many, kOtherwiseRounded);
    expect_close(logits_of(plan, {.batch = 2, .step = 11}), many, kOtherwiseRounded);
  }
}

/// Weights whose keys and values are the same at every position, and are whole numbers times a
/// scale of each head: narrower they are the same numbers.
compiled::PlanWeights with_plain_keys(const test::PlainWeights& plain,
                                      std::deque<std::vector<float>>& memory) {
  compiled::PlanWeights weights = plain.weights;
  for (size_t layer = 0; layer < weights.layers.size(); ++layer) {
    const int64_t D = plain.config.layers[layer].head_dim;
    for (float& angle : weights.layers[layer].frequencies) angle = 0;
    for (const size_t part : {1, 2}) {
      Matrix& matrix = weights.layers[layer].qkv[part];
      const std::vector<float>& zeros =
          memory.emplace_back(static_cast<size_t>(matrix.out * matrix.in));
      std::vector<float>& bias = memory.emplace_back(static_cast<size_t>(matrix.out));
      for (int64_t i = 0; i < matrix.out; ++i) {
        const int64_t whole = i % D == 0 ? 127 : (37 * i + 11 * static_cast<int64_t>(layer)) % 120;
        const int exponent = static_cast<int>(i / D + static_cast<int64_t>(layer)) - 7;
        bias[static_cast<size_t>(i)] = std::ldexp(static_cast<float>(whole), exponent);
      }
      matrix.w = kernels::stored(zeros.data(), matrix.in);
      matrix.bias = bias.data();
    }
  }
  return weights;
}

TEST_P(Runners, GiveTheBitsOfAnFp32CacheWhereANarrowOneHoldsTheSameNumbers) {
  std::deque<std::vector<float>> memory;
  const compiled::PlanWeights weights = with_plain_keys(plain_, memory);
  const auto with = [&](Width kv) {
    return std::make_shared<const Plan>(plain_.config, weights, Passes{}, kv);
  };
  for (const int64_t step : {1, 5, 12}) {
    const Fed fed{.batch = 3, .step = step, .threads = 2};
    const std::vector<float> expected = logits_of(with(Width::fp32), fed);
    for (const Width kv : {Width::bf16, Width::int8})
      EXPECT_EQ(logits_of(with(kv), fed), expected) << kernels::name_of(kv) << ", " << step;
  }
}

TEST_P(Runners, ShareOnePlanAtTheSameTime) {
  const std::vector<float> expected = logits_of(plan_, {.step = 2});
  std::vector<float> seen[2];
  std::thread other([&] { seen[0] = logits_of(plan_, {.step = 1, .threads = 2}); });
  seen[1] = logits_of(plan_, {.step = 4, .threads = 2});
  other.join();
  EXPECT_EQ(seen[0], expected);
  EXPECT_EQ(seen[1], expected);
}

TEST_P(Runners, GiveTheLastRowOfEverySequenceAloneWhenAskedForIt) {
  const int64_t vocab = plan_->config.vocab;
  const auto whole = plan_of(plain_, {.last_rows = false});
  for (const Fed& fed : {Fed{.batch = 3}, Fed{.batch = 9, .tokens = 2},
                         Fed{.batch = 2, .tokens = 1}, Fed{.batch = 4}}) {
    const std::vector<float> all = logits_of(plan_, fed);
    Runner runner(fed.batch == 4 ? whole : plan_,
                  {.batch = fed.batch, .capacity = 12, .threads = 2}, "a test");
    std::vector<float> last(static_cast<size_t>(fed.batch * vocab));
    const std::vector<int64_t> ids = ids_of(fed, vocab);
    const auto team = make_thread_team(2);
    runner.run(*team, {.ids = ids, .last_only = true, .logits = last.data()});
    for (int64_t b = 0; b < fed.batch; ++b) {
      const auto row = all.begin() + ((b + 1) * fed.tokens - 1) * vocab;
      expect_close(std::vector<float>(last.begin() + b * vocab, last.begin() + (b + 1) * vocab),
                   std::vector<float>(row, row + vocab), 1e-5f);
    }
  }
}

TEST_P(Runners, TellThatALogitIsNotFinite) {
  std::vector<float> broken(static_cast<size_t>(plain_.config.d_model), NAN);
  plain_.weights.final_norm.bias = broken.data();
  Runner runner(plan_of(plain_), {.capacity = 4}, "a test");
  std::vector<float> logits(static_cast<size_t>(plain_.config.vocab));
  const std::vector<int64_t> ids{1};
  EXPECT_FALSE(runner.run(*make_thread_team(1), {.ids = ids, .logits = logits.data()}));
}

TEST_P(Runners, TellItOfAKeyOrAValueInACacheOfAnyWidth) {
  const int64_t width = plain_.weights.layers[0].qkv[1].out;
  for (const size_t part : {1, 2}) {
    for (const float bad : {NAN, HUGE_VALF}) {
      std::vector<float> broken(static_cast<size_t>(width));
      broken[static_cast<size_t>(width) - 1] = bad;
      const test::PlainWeights fresh(plain_.config);
      compiled::PlanWeights weights = fresh.weights;
      weights.layers[0].qkv[part].bias = broken.data();
      for (const Width kv : {Width::fp32, Width::bf16, Width::int8}) {
        const auto plan = std::make_shared<const Plan>(plain_.config, weights, Passes{}, kv);
        Runner runner(plan, {.capacity = 4}, "a test");
        std::vector<float> logits(static_cast<size_t>(2 * plain_.config.vocab));
        const std::vector<int64_t> ids{1, 2};
        EXPECT_FALSE(runner.run(*make_thread_team(1), {.ids = ids, .logits = logits.data()}))
            << kernels::name_of(kv) << ", part " << part << ", " << bad;
      }
    }
  }
}

/// Throws at a site; counts what was begun and not ended.
class Thrower : public Observer {
 public:
  explicit Thrower(Site site) : site_(site) {}
  SiteSet wanted_spans() const override { return {(1u << kSites) - 1}; }
  void begin(Site site, int32_t) override {
    if (site == site_) throw std::runtime_error("from within");
    ++open;
  }
  void end(Site, int32_t) override { --open; }
  int open = 0;

 private:
  Site site_;
};

TEST_P(Runners, LetAnErrorOfTheObserverOutAndCloseItsSpans) {
  Runner runner(plan_, {.capacity = 4, .threads = 3}, "a test");
  std::vector<float> logits(static_cast<size_t>(plain_.config.vocab));
  const std::vector<int64_t> ids{1};
  const auto team = make_thread_team(3);
  for (const Site site : {Site::embedding, Site::qkv, Site::ffn_down, Site::head}) {
    Thrower thrower(site);
    EXPECT_THROW(runner.run(*team, {.ids = ids, .logits = logits.data(), .observer = &thrower}),
                 std::runtime_error);
    EXPECT_EQ(thrower.open, 0) << name_of(site);
  }
  EXPECT_TRUE(runner.run(*team, {.ids = ids, .logits = logits.data()}));
}

TEST_P(Runners, StopAtAnInterruptWithinAPass) {
  class Interrupter : public Observer {
   public:
    SiteSet wanted_spans() const override { return SiteSet{}.add(Site::block); }
    void begin(Site, int32_t layer) override {
      last = layer;
      if (layer == 1) interrupt_requested = true;
    }
    int32_t last = -1;
  } interrupter;
  Runner runner(plan_, {.capacity = 4, .threads = 2}, "a test");
  std::vector<float> logits(static_cast<size_t>(plain_.config.vocab));
  const std::vector<int64_t> ids{1};
  const auto team = make_thread_team(2);
  EXPECT_THROW(runner.run(*team, {.ids = ids, .logits = logits.data(), .observer = &interrupter}),
               Interrupted);
  interrupt_requested = false;
  EXPECT_EQ(interrupter.last, 1);
}

INSTANTIATE_TEST_SUITE_P(Families, Runners, testing::Bool(),
                         [](const auto& info) { return info.param ? "llama" : "gpt2"; });

}  // namespace
}  // namespace crescent::compiled
