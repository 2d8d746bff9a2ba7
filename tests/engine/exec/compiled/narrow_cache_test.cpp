// Level 3 with keys and values stored narrower, held against itself with a cache in fp32: kernels'
// tests say that attention gives to the bit what it gives on the numbers that narrow ones stand
// for.
#include "engine/exec/compiled/plan.h"
#include "engine/exec/session.h"
#include "engine/model/accounting.h"
#include "tests/engine/exec/compiled/fed.h"
#include "tests/engine/prune/support.h"

namespace crescent::test {
namespace {

std::shared_ptr<const Model> with_cache(const Model& model, Width kv) {
  return model.optimized({.level = 3, .storage = {Width::bf16, Width::bf16, kv}});
}

/// Products of few rows and of many differ in their last bits (fed.h), and a key or a value is then
/// rounded to the other side here and there: measured 0.0004 of the logits' spread.
constexpr double kOtherwiseRounded = 0.004;

class NarrowCache : public testing::TestWithParam<std::tuple<std::string, Width>> {
 protected:
  std::shared_ptr<const Model> stored_ = load(std::get<0>(GetParam()));
  Width kv_ = std::get<1>(GetParam());
  std::shared_ptr<const Model> wide_ = with_cache(*stored_, Width::fp32);
  std::shared_ptr<const Model> model_ = with_cache(*stored_, kv_);
  int64_t vocab_ = stored_->config().vocab;
};

/// Half a bf16 is 1 / 512 of a number, half a step of int8 1 / 254 of a row's greatest; random
/// weights this large make much of it. Measured over these models: at most 0.089 and 0.153 of the
/// logits' spread, and probabilities 0.028 apart.
TEST_P(NarrowCache, StaysNearTheSameLevelWithACacheInFp32) {
  const at::Tensor ids = some_ids(2, 40, vocab_);
  const double drift = relative_difference(forward(*model_, ids), forward(*wide_, ids));
  EXPECT_GT(drift, 1e-3) << "nothing was stored narrower";
  EXPECT_LE(drift, kv_ == Width::bf16 ? 0.18 : 0.3);
}

TEST_P(NarrowCache, GivesTheSameBitsInChunksAndInBatchesOfManyRows) {
  expect_same_bits_of_many_rows(model_);
}

TEST_P(NarrowCache, GivesTheSameBitsInChunksAndInBatchesOfFewRows) {
  // By these ids more keys and values are rounded otherwise than elsewhere: measured 0.007.
  EXPECT_LE(expect_same_bits_of_few_rows(model_), 0.02);
}

TEST_P(NarrowCache, AgreesWhateverPiecesItIsFed) {
  const at::Tensor ids = some_ids(3, 40, vocab_);
  const at::Tensor all = forward(*model_, ids);
  for (const std::vector<int64_t>& pattern : {std::vector<int64_t>{1}, {3, 1, 9}, {17, 2}}) {
    const at::Tensor fed = fed_by(*Session::open(model_, 3, 40), ids, pattern);
    EXPECT_LE(relative_difference(fed, all), kOtherwiseRounded);
  }
  EXPECT_LE(relative_difference(forward(*model_, ids, {.last_only = true}), all.narrow(1, 39, 1)),
            kOtherwiseRounded);
}

TEST_P(NarrowCache, GivesTheSameBitsWithSeveralThreadsAndWithoutPasses) {
  expect_same_bits_with_several_threads(model_);
  const at::Tensor ids = some_ids(2, 33, vocab_);
  LevelOptions options = model_->options();
  options.passes = {false, false, false};
  EXPECT_TRUE(same_bits(forward(*model_->optimized(options), ids), forward(*model_, ids)));
}

TEST_P(NarrowCache, ShowsProbabilitiesOfTheKeysAsTheyAreStored) {
  const at::Tensor ids = some_ids(2, 20, vocab_);
  const Captured seen = forward_captured(*model_, ids, {.hidden = true, .attention = true});
  const Captured wide = forward_captured(*wide_, ids, {.hidden = true, .attention = true});
  EXPECT_TRUE(same_bits(seen.logits, forward(*model_, ids)));
  ASSERT_EQ(seen.attention.size(), wide.attention.size());
  for (size_t layer = 0; layer < seen.attention.size(); ++layer) {
    EXPECT_LE((seen.attention[layer].sum(-1) - 1).abs().max().item<float>(), 1e-5f);
    const double difference = max_abs_difference(seen.attention[layer], wide.attention[layer]);
    EXPECT_GT(difference, 0) << layer;
    EXPECT_LE(difference, 0.06) << layer;
  }
}

TEST_P(NarrowCache, TakesTheBytesOfItsWidth) {
  const auto session = Session::open(model_, 2, 40), wide = Session::open(wide_, 2, 40);
  const CacheShape shape{.batch = 2, .capacity = 40};
  EXPECT_EQ(session->bytes(), cache_bytes(stored_->config(), shape, kv_));
  EXPECT_EQ(wide->bytes(), 4 * cache_elements(stored_->config(), shape));
  if (kv_ == Width::bf16) {
    EXPECT_EQ(2 * session->bytes(), wide->bytes());
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, NarrowCache,
                         testing::Combine(testing::Values("gpt2", "llama", "llama3_headdim",
                                                          "llama_bf16_sharded"),
                                          testing::Values(Width::bf16, Width::int8)),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" +
                                  kernels::name_of(std::get<1>(info.param));
                         });

TEST(NarrowCaches, OfUnequalLayersAgreeInChunks) {
  for (const DecoderConfig& config : {small_gpt2(), small_llama()}) {
    const auto model = random_model(config);
    const Units units = both({head(0, 1), neuron(0, 3)}, all_heads(*model, 1));
    for (const Width kv : {Width::bf16, Width::int8}) {
      const auto pruned = without(*with_cache(*model, kv), units);
      ASSERT_EQ(pruned->options().storage.kv, kv) << "a pruned one runs as before";
      const at::Tensor ids = some_ids(4, 15, config.vocab);
      const at::Tensor ours = forward(*pruned, ids);
      EXPECT_LE(relative_difference(fed_by(*Session::open(pruned, 4, 15), ids, {4, 1, 2}), ours),
                kOtherwiseRounded);
      EXPECT_FALSE(same_bits(forward(*with_cache(*pruned, Width::fp32), ids), ours));
    }
  }
}

TEST(NarrowCaches, ArePlansOfTheirOwnThatShareTheWeights) {
  const auto model = load("llama");
  const auto wide = with_cache(*model, Width::fp32), narrow = with_cache(*model, Width::int8);
  wide->plan();
  const int64_t packed = model->plan_bytes_of_all().packed;
  EXPECT_NE(wide->plan(), narrow->plan());
  EXPECT_EQ(narrow->plan(), with_cache(*model, Width::int8)->plan());
  EXPECT_EQ(narrow->plan()->kv, Width::int8);
  EXPECT_EQ(model->plan_bytes_of_all().packed, packed);
  EXPECT_EQ(wide->plan()->weights.head.w.data, narrow->plan()->weights.head.w.data);
}

TEST(NarrowCaches, AskForTheirMemoryBeforeTheyTakeIt) {
  const auto model = load("llama");
  const auto needed = [&](Width kv) {  // GB
    const std::string message =
        message_of([&] { Session::open(with_cache(*model, kv), int64_t{1} << 32, 64); });
    const std::string start = "a session of 4294967296 x 64 tokens needs ";
    EXPECT_EQ(message.substr(0, start.size()), start);
    return std::stod(message.substr(start.size()));
  };
  const double floats = 2.0 * 2 * 2 * 8 * 64 * 4.294967296;  // 2 layers of 2 heads of 8, in 1e9
  EXPECT_NEAR(needed(Width::fp32) - needed(Width::bf16), 2 * floats, 0.2);
  // Rows of 8 are padded to 32 bytes, and have a scale each.
  EXPECT_NEAR(needed(Width::int8) - needed(Width::fp32), 0.5 * floats, 0.2);
}

TEST(NarrowCaches, DoNotHideANumberThatIsNotFinite) {
  for (const DecoderConfig& config : {small_gpt2(), small_llama()}) {
    for (const float bad : {HUGE_VALF, NAN}) {
      const auto broken = with_weights(*random_model(config),
                                       [&](const TensorSpec& spec, const at::Tensor& stored) {
                                         // A token's embedding: its key and value, which later
                                         // tokens see.
                                         if (spec.slot != Slot::token_embedding)
                                           return at::Tensor();
                                         at::Tensor changed = stored.clone();
                                         changed[3][0].fill_(bad);
                                         return changed;
                                       });
      at::Tensor ids = some_ids(1, 6, config.vocab).fill_(1);
      ids[0][2].fill_(3);
      const auto problem = [&](Width kv) {
        const auto model =
            broken->optimized({.level = 3, .storage = {Width::bf16, Width::fp32, kv}});
        return message_of([&] { fed_by(*Session::open(model, 1, 6), ids, {3}); });
      };
      const std::string expected = problem(Width::fp32);
      EXPECT_TRUE(expected.starts_with("logits are not finite")) << expected;
      EXPECT_EQ(problem(Width::bf16), expected);
      EXPECT_EQ(problem(Width::int8), expected);
    }
  }
}

TEST(NarrowCaches, AreRefusedInOtherWidthsAndAtOtherLevels) {
  const auto model = load("gpt2");
  for (const Width kv : {Width::int8_grouped, Width::int4}) {
    EXPECT_EQ(message_of([&] { with_cache(*model, kv); }),
              "a cache of keys and values is stored as fp32, bf16 or int8, got " + words_of(kv));
  }
  EXPECT_EQ(message_of([&] { model->optimized({.level = 2, .storage = {.kv = Width::bf16}}); }),
            "level 2 reads weights and cache in fp32: expected level 3 for fp32, cache bf16");
}

}  // namespace
}  // namespace crescent::test
