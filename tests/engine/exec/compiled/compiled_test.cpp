// What level 2 promises beyond what every level does (levels_test, session_test, forward_test).
#include "engine/exec/compiled/run.h"
#include "engine/exec/compiled/weights.h"
#include "engine/exec/generate.h"
#include "engine/exec/session.h"
#include "tests/engine/exec/compiled/fed.h"
#include "tests/engine/prune/support.h"

namespace crescent::test {
namespace {

class Compiled : public testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<const Model> model_ = load(GetParam(), 2);
  int64_t vocab_ = model_->config().vocab;
};

TEST_P(Compiled, GivesTheSameBitsInChunksAndInBatchesOfManyRows) {
  expect_same_bits_of_many_rows(model_);
}

TEST_P(Compiled, GivesTheSameBitsInChunksAndInBatchesOfFewRows) {
  EXPECT_LE(expect_same_bits_of_few_rows(model_), kFewAgainstMany);
}

TEST_P(Compiled, AgreesWhateverPiecesItIsFed) {
  const at::Tensor ids = some_ids(3, 40, vocab_);
  const at::Tensor all = forward(*model_, ids);
  for (const std::vector<int64_t>& pattern : {std::vector<int64_t>{1}, {3, 1, 9}, {17, 2}})
    EXPECT_LE(relative_difference(fed_by(*Session::open(model_, 3, 40), ids, pattern), all),
              kFewAgainstMany);
}

TEST_P(Compiled, GivesTheSameBitsWithSeveralThreads) {
  expect_same_bits_with_several_threads(model_);
}

TEST_P(Compiled, KeepsASessionThroughAChangeOfThreads) {
  const at::Tensor ids = some_ids(1, 12, vocab_);
  const auto session = Session::open(model_, 1, 12);
  const at::Tensor head = session->feed(ids.narrow(1, 0, 6), {});
  set_threads(3);
  const at::Tensor tail = session->feed(ids.narrow(1, 6, 6), {});
  set_threads(1);
  EXPECT_TRUE(same_bits(at::cat({head, tail}, 1), fed_by(*Session::open(model_, 1, 12), ids, {6})));
}

TEST_P(Compiled, LeavesTheLogitsToWhoeverStillHoldsThem) {
  const at::Tensor ids = some_ids(1, 4, vocab_);
  const auto session = Session::open(model_, 1, 4);
  const at::Tensor first = session->feed(ids.narrow(1, 0, 1), {});
  const at::Tensor copy = first.clone();
  const at::Tensor view = session->feed(ids.narrow(1, 1, 1), {})[0];
  const at::Tensor view_copy = view.clone();
  session->feed(ids.narrow(1, 2, 2), {.last_only = true});
  EXPECT_TRUE(same_bits(first, copy));
  EXPECT_TRUE(same_bits(view, view_copy));
  EXPECT_FALSE(same_bits(first[0], view));
}

TEST_P(Compiled, TakesPlainIdsAsItTakesATensor) {
  const at::Tensor ids = some_ids(1, 5, vocab_);
  std::vector<int32_t> plain;
  for (int64_t i = 0; i < 5; ++i) plain.push_back(static_cast<int32_t>(ids[0][i].item<int64_t>()));
  const auto a = Session::open(model_, 1, 5), b = Session::open(model_, 1, 5);
  EXPECT_TRUE(same_bits(a->feed(ids, {}), b->feed(std::span<const int32_t>(plain), {})));
  EXPECT_TRUE(std::equal(plain.begin(), plain.end(), b->ids().begin(), b->ids().end()));
  plain = {static_cast<int32_t>(vocab_)};
  b->truncate(0);
  EXPECT_EQ(message_of([&] { b->feed(std::span<const int32_t>(plain), {}); }),
            fmt::format("token id {0} at position 1 is outside the vocabulary: expected 0 .. {1}",
                        vocab_, vocab_ - 1));
  EXPECT_EQ(b->length(), 0);
}

TEST_P(Compiled, GivesTheSameWithoutItsPasses) {
  const at::Tensor ids = some_ids(2, 20, vocab_);
  const at::Tensor all = forward(*model_, ids);
  const at::Tensor last = forward(*model_, ids, {.last_only = true});
  const at::Tensor fed = fed_by(*Session::open(model_, 2, 20), ids, {7, 1});
  for (const PassSwitch& pass : kPassSwitches) {
    LevelOptions options = model_->options();
    options.passes.*pass.is_on = false;
    const auto without = model_->optimized(options);
    EXPECT_TRUE(same_bits(forward(*without, ids), all)) << pass.name;
    const at::Tensor last_too = forward(*without, ids, {.last_only = true});
    EXPECT_LE(relative_difference(last_too, last), kFewAgainstMany) << pass.name;
    // Two rows go on behind the last attention, instead of forty.
    if (pass.name != "last_rows") {
      EXPECT_TRUE(same_bits(last_too, last)) << pass.name;
    }
    EXPECT_TRUE(same_bits(fed_by(*Session::open(without, 2, 20), ids, {7, 1}), fed)) << pass.name;
    const Captured seen = forward_captured(*without, ids, {.hidden = true, .attention = true});
    EXPECT_TRUE(same_bits(seen.logits, all)) << pass.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Compiled,
                         testing::Values("gpt2", "llama", "llama3_headdim", "llama_bf16_sharded"),
                         [](const auto& info) { return info.param; });

TEST(CompiledPlan, IsOneForAllSessionsOfAModel) {
  const auto model = load("gpt2", 2);
  const auto plan = model->plan();
  EXPECT_EQ(plan, model->at_level(1)->at_level(2)->plan());
  const auto a = Session::open(model, 1, 8), b = Session::open(model, 2, 8);
  const at::Tensor ids = some_ids(2, 8, 96);
  const at::Tensor all = fed_by(*Session::open(model, 2, 8), ids, {2});
  // In turns: neither sees the other's cache or arena.
  std::vector<at::Tensor> of_a, of_b;
  for (int64_t t = 0; t < 8; t += 2) {
    of_a.push_back(a->feed(ids.narrow(0, 0, 1).narrow(1, t, 2), {}));
    of_b.push_back(b->feed(ids.narrow(1, t, 2), {}));
  }
  EXPECT_TRUE(same_bits(at::cat(of_a, 1), all.narrow(0, 0, 1)));
  EXPECT_TRUE(same_bits(at::cat(of_b, 1), all));
}

TEST(CompiledPlan, IsKeptForAsLongAsAModelRunsByIt) {
  const auto model = load("gpt2");
  auto fast = model->at_level(2);
  fast->plan();
  const int64_t bytes = fast->plan_bytes().transposed;
  EXPECT_GT(bytes, 0);
  const auto session = Session::open(fast, 1, 4);
  fast.reset();
  EXPECT_EQ(model->plan_bytes_of_all().transposed, bytes) << "the session's";
}

TEST(CompiledPlan, GivesItsCopiesBackWithTheLastModelThatRunsByIt) {
  const auto model = load("gpt2");
  const at::Tensor ids = some_ids(1, 8, 96);
  const at::Tensor before = forward(*model->at_level(2), ids);
  EXPECT_EQ(model->plan_bytes_of_all().transposed, 0);
  EXPECT_TRUE(same_bits(forward(*model->at_level(2), ids), before)) << "compiled again";
}

TEST(CompiledPlan, SharesItsWeightsWithPlansOfOtherPasses) {
  const auto model = load("gpt2", 2);
  const auto apart =
      model->optimized({.level = 2, .passes = {.fuse_epilogue = false, .share_arena = false}});
  EXPECT_NE(apart->plan(), model->plan());
  EXPECT_EQ(apart->plan(), apart->optimized(apart->options())->plan());
  EXPECT_EQ(apart->plan()->weights.layers[0].ffn_up.w.data,
            model->plan()->weights.layers[0].ffn_up.w.data);
  EXPECT_GT(Session::open(apart, 1, 8)->arena_bytes(), Session::open(model, 1, 8)->arena_bytes());
}

TEST(CompiledPlan, IsRefusedAtLevelsThatHaveNone) {
  EXPECT_EQ(message_of([] { load("gpt2", 1)->plan(); }),
            "level 1 has no plan: expected level 2 or 3");
}

TEST(CompiledPlan, ReadsMatricesWhereTheyLieAndCopiesOnlyWhatIsTheOtherWayRound) {
  const auto llama = load("llama", 2), gpt2 = load("gpt2", 2),
             narrow = load("llama_bf16_sharded", 2);
  EXPECT_EQ(llama->plan()->weights.layers[1].ffn_up.w.data,
            llama->stored().at(Slot::ffn_up_weight, 1).data_ptr());
  EXPECT_EQ(llama->plan_bytes().transposed, 0);
  EXPECT_EQ(llama->bytes_widened(), 0);

  EXPECT_EQ(gpt2->plan_bytes().transposed, 0) << "before the first run";
  const at::Tensor stored = gpt2->stored().at(Slot::ffn_up_weight, 0);  // [in, out]
  const compiled::Matrix& up = gpt2->plan()->weights.layers[0].ffn_up;
  ASSERT_EQ(up.out, stored.size(1));
  for (int64_t out = 0; out < up.out; ++out) {
    for (int64_t in = 0; in < up.in; ++in) {
      ASSERT_EQ(static_cast<const float*>(up.w.data)[out * up.in + in],
                stored[in][out].item<float>());
    }
  }
  EXPECT_EQ(gpt2->plan()->weights.head.w.data, gpt2->plan()->weights.token_embedding.data)
      << "tied";
  int64_t matrices = 0;
  for (const TensorSpec& spec : gpt2->layout()) {
    if (spec.in_out) matrices += gpt2->stored().at(spec).numel() * 4;
  }
  EXPECT_EQ(gpt2->plan_bytes().transposed, matrices);
  EXPECT_EQ(gpt2->bytes_widened(), 0);

  EXPECT_EQ(narrow->plan()->weights.head.w.data,
            narrow->wide()
                .at(narrow->config().tied_head ? Slot::token_embedding : Slot::head_weight)
                .data_ptr());
  EXPECT_EQ(narrow->bytes_widened(), narrow->parameters() * 4) << "shared with level 1";
}

TEST(CompiledSession, HasAnArenaBesideItsCache) {
  const auto session = Session::open(load("llama", 2), 2, 10);
  EXPECT_GT(session->arena_bytes(), 0);
  EXPECT_EQ(Session::open(load("llama", 1), 2, 10)->arena_bytes(), 0);
}

TEST(CompiledModels, WithUnequalLayersAreTheReferenceToo) {
  for (const DecoderConfig& config : {small_gpt2(), small_llama()}) {
    const auto model = random_model(config);
    const Units units = both({head(0, 1), neuron(0, 3), neuron(1, 0), neuron(1, 11)},
                             both(all_neurons(*model, 2), all_heads(*model, 1)));
    const auto pruned = without(*model, units);
    const at::Tensor ids = some_ids(4, 15, config.vocab);
    const at::Tensor truth = forward(*pruned->at_level(0), ids);
    const auto fast = pruned->at_level(2);
    const at::Tensor ours = forward(*fast, ids);
    EXPECT_LE(relative_difference(ours, truth), 1e-5) << config.family;
    EXPECT_LE(relative_difference(fed_by(*Session::open(fast, 4, 15), ids, {4, 1, 2}), ours),
              kFewAgainstMany);
  }
}

TEST(CompiledModels, RunMoreRowsThanGoThroughAtOnce) {
  DecoderConfig config = small_llama();
  config.positions_max = 1200;
  const auto model = random_model(config);
  const auto fast = model->at_level(2);
  for (const auto& [batch, tokens] : {std::pair<int64_t, int64_t>{1, 1100}, {3, 400}, {64, 20}}) {
    const at::Tensor ids = some_ids(batch, tokens, config.vocab);
    ASSERT_GT(batch * tokens, compiled::Runner::kRowsMax);
    const at::Tensor truth = forward(*model->at_level(1), ids), ours = forward(*fast, ids);
    EXPECT_LE(relative_difference(ours, truth), 1e-4);
    EXPECT_LE(relative_difference(forward(*fast, ids, {.last_only = true}),
                                  ours.narrow(1, tokens - 1, 1)),
              kFewAgainstMany);
  }
}

TEST(CompiledModels, ShowAWatchedPassInOnePiece) {
  DecoderConfig config = small_llama();
  config.positions_max = 1200;
  const auto fast = random_model(config)->at_level(2);
  const at::Tensor ids = some_ids(1, 700, config.vocab);
  const Captured seen = forward_captured(*fast, ids, {.hidden = true, .attention = true});
  EXPECT_EQ(seen.hidden.back().size(1), 700);
  EXPECT_EQ(seen.attention[1].sizes(), (at::IntArrayRef{1, 4, 700, 700}));
  EXPECT_TRUE(same_bits(seen.logits, forward(*fast, ids)));
}

}  // namespace
}  // namespace crescent::test
