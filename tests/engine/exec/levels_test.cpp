// Every checkpoint that the reference implementation left expectations for, at every level. The
// bounds are those of tests/fixtures/README.md; levels 0 and 1 keep the tight one of the fp32 path,
// level 2 the one for polynomial exponentials.
#include <ATen/ops/cat.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/stack.h>

#include "engine/eval/perplexity.h"
#include "engine/exec/generate.h"
#include "engine/exec/session.h"
#include "tests/engine/exec/fixture.h"

namespace crescent::test {
namespace {

class Levels : public testing::TestWithParam<std::tuple<std::string, int>> {
 protected:
  std::string name() const { return std::get<0>(GetParam()); }
  std::shared_ptr<const Model> model_ = load(name(), std::get<1>(GetParam()));
  Expected expected_{name()};

  /// Across shapes (cache, chunks, batch) sums run in another order.
  static double loose(const Prompt& prompt) { return 1e-4 * prompt.logits_std; }
  double tight(const Prompt& prompt) const {
    return model_->level() < 2 ? prompt.tolerance_max_abs : loose(prompt);
  }
};

TEST_P(Levels, GiveTheReferenceLogits) {
  for (const Prompt& prompt : expected_.prompts()) {
    const at::Tensor logits = forward(*model_, ids_tensor(*model_, prompt.ids))[0];
    EXPECT_LE(max_abs_difference(logits, expected_.array(prompt.name + ".logits")), tight(prompt));
  }
}

TEST_P(Levels, GiveTheLastRowAloneWhenAskedForIt) {
  for (const Prompt& prompt : expected_.prompts()) {
    const at::Tensor all = expected_.array(prompt.name + ".logits");
    const at::Tensor last = forward(*model_, ids_tensor(*model_, prompt.ids), {.last_only = true});
    ASSERT_EQ(last.sizes(), (at::IntArrayRef{1, 1, all.size(1)}));
    EXPECT_LE(max_abs_difference(last[0][0], all[-1]), loose(prompt));
  }
}

TEST_P(Levels, ShowTheReferenceHiddenStatesAndAttention) {
  for (const Prompt& prompt : expected_.prompts()) {
    const Captured seen = forward_captured(*model_, ids_tensor(*model_, prompt.ids),
                                           {.hidden = true, .attention = true});
    const size_t layers = model_->config().layers.size();
    ASSERT_EQ(seen.hidden.size(), layers + 1);
    ASSERT_EQ(seen.attention.size(), layers);
    const auto close = [&](const at::Tensor& ours, const std::string& array) {
      const at::Tensor theirs = expected_.array(prompt.name + array);
      EXPECT_LE(max_abs_difference(ours[0], theirs), 5e-5 * theirs.std().item<double>()) << array;
    };
    for (size_t k = 0; k <= layers; ++k) close(seen.hidden[k], ".hidden." + std::to_string(k));
    close(seen.last_hidden, ".last_hidden");
    for (size_t k = 0; k < layers; ++k) {
      const at::Tensor theirs = expected_.array(prompt.name + ".attn." + std::to_string(k));
      EXPECT_LE(max_abs_difference(seen.attention[k][0], theirs), 1e-5);
      EXPECT_EQ(seen.attention[k].triu(1).abs().sum().item<double>(), 0.0)
          << "masked entries are exactly 0";
    }
  }
}

TEST_P(Levels, ContinueGreedilyAsTheReference) {
  for (const Prompt& prompt : expected_.prompts()) {
    const auto tokens = static_cast<int64_t>(prompt.greedy.size());
    const auto session = Session::open(model_, 1, static_cast<int64_t>(prompt.ids.size()) + tokens);
    const Generated made =
        generate(*session, prompt.ids, {.tokens = tokens, .ignore_eos = true}, nullptr);
    EXPECT_EQ(made.ids, prompt.greedy);
  }
}

TEST_P(Levels, GiveTheReferenceLogLikelihood) {
  for (const Prompt& prompt : expected_.prompts()) {
    const Perplexity measured = perplexity(*model_, prompt.ids, {.window = 32, .stride = 32});
    EXPECT_EQ(measured.tokens, prompt.nll_terms);
    EXPECT_NEAR(measured.nll_nats, prompt.nll_sum, 1e-5 * static_cast<double>(prompt.nll_terms));
  }
}

TEST_P(Levels, AgreeInOneChunkTokenByTokenAndInUnevenChunks) {
  for (const Prompt& prompt : expected_.prompts()) {
    const at::Tensor theirs = expected_.array(prompt.name + ".logits");
    const at::Tensor ids = ids_tensor(*model_, prompt.ids);
    const int64_t tokens = ids.size(1);
    for (const std::vector<int64_t>& pattern : {std::vector<int64_t>{tokens}, {1}, {3, 1, 2}}) {
      const auto session = Session::open(model_, 1, tokens);
      std::vector<at::Tensor> pieces;
      for (size_t turn = 0; session->length() < tokens; ++turn) {
        const int64_t size = std::min(pattern[turn % pattern.size()], tokens - session->length());
        pieces.push_back(session->feed(ids.narrow(1, session->length(), size), {}));
      }
      EXPECT_LE(max_abs_difference(at::cat(pieces, 1)[0], theirs), loose(prompt));
      EXPECT_TRUE(std::equal(prompt.ids.begin(), prompt.ids.end(), session->ids().begin(),
                             session->ids().end()));
    }
  }
}

TEST_P(Levels, AgreeInABatchWithAndWithoutACache) {
  const Prompt& prompt = expected_.prompts()[1];
  const at::Tensor theirs = expected_.array(prompt.name + ".logits");
  const at::Tensor ours = ids_tensor(*model_, prompt.ids);
  const int64_t tokens = ours.size(1);
  const at::Tensor batch = at::cat({some_ids(1, tokens, model_->config().vocab), ours}, 0);
  EXPECT_LE(max_abs_difference(forward(*model_, batch)[1], theirs), loose(prompt));

  const auto session = Session::open(model_, 2, tokens);
  const at::Tensor head = session->feed(batch.narrow(1, 0, 5), {});
  const at::Tensor tail = session->feed(batch.narrow(1, 5, tokens - 5), {});
  EXPECT_LE(max_abs_difference(at::cat({head, tail}, 1)[1], theirs), loose(prompt));
}

TEST_P(Levels, NeverLetALaterTokenChangeAnEarlierLogit) {
  const at::Tensor ids = ids_tensor(*model_, expected_.prompts()[1].ids);
  at::Tensor changed = ids.clone();
  const int64_t last = ids.size(1) - 1;
  changed[0][last] = (ids[0][last].item<int64_t>() + 1) % model_->config().vocab;
  const at::Tensor before = forward(*model_, ids), after = forward(*model_, changed);
  EXPECT_TRUE(same_bits(before.narrow(1, 0, last), after.narrow(1, 0, last)));
  EXPECT_FALSE(same_bits(before[0][last], after[0][last]));
}

TEST_P(Levels, NeverLetABatchRowDependOnAnother) {
  const int64_t vocab = model_->config().vocab;
  const at::Tensor row = some_ids(1, 17, vocab, 1);
  const at::Tensor a = forward(*model_, at::cat({row, some_ids(1, 17, vocab, 2)}, 0));
  const at::Tensor b = forward(*model_, at::cat({row, some_ids(1, 17, vocab, 3)}, 0));
  EXPECT_TRUE(same_bits(a[0], b[0]));
  EXPECT_FALSE(same_bits(a[1], b[1]));
}

TEST_P(Levels, CountTheReferencesParameters) {
  EXPECT_EQ(model_->parameters(), expected_.json().at("parameter_count").get<int64_t>());
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Levels,
                         testing::Combine(testing::ValuesIn(model_names()),
                                          testing::Values(0, 1, 2)),
                         folder_and_level);

TEST(Fixtures, HoldEverySpellingOfBothFamilies) { EXPECT_EQ(model_names().size(), 12u); }

}  // namespace
}  // namespace crescent::test
