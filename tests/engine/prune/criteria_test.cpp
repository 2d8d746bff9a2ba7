// What all criteria have in common, and ranks that combine several.
#include <cmath>

#include "engine/prune/measure.h"
#include "engine/prune/selection.h"
#include "tests/engine/prune/support.h"

namespace crescent::test {
namespace {

constexpr std::array kScored{UnitKind::heads, UnitKind::groups, UnitKind::neurons,
                             UnitKind::layers};

void expect_finite_for_every_unit(const Criterion& criterion, const Model& model,
                                  const ScoreOptions& options) {
  for (const UnitKind kind : kScored) {
    if (!criterion.can_score(kind)) continue;
    SCOPED_TRACE(std::string(criterion.name()) + " of " + name_of(kind));
    const Scores scores = criterion.score(model, kind, options);
    EXPECT_EQ(scores.kind, kind);
    ASSERT_EQ(scores.of.size(), model.config().layers.size());
    for (size_t i = 0; i < scores.of.size(); ++i) {
      EXPECT_EQ(scores.of[i].size(), static_cast<size_t>(units_in(model.config(), kind, i)));
      for (const double score : scores.of[i]) EXPECT_TRUE(std::isfinite(score));
    }
  }
  if (!criterion.can_score(UnitKind::weights)) return;
  SCOPED_TRACE(std::string(criterion.name()) + " of weights");
  const std::vector<at::Tensor> scores = criterion.score_weights(model, options);
  const std::vector<size_t> matrices = layer_matrices(model.layout());
  ASSERT_EQ(scores.size(), matrices.size());
  for (size_t i = 0; i < scores.size(); ++i) {
    EXPECT_EQ(scores[i].sizes(), at::IntArrayRef(model.layout()[matrices[i]].shape));
    EXPECT_EQ(scores[i].scalar_type(), at::kFloat);
    EXPECT_TRUE(scores[i].isfinite().all().item<bool>());
  }
}

class EveryCriterion : public testing::TestWithParam<std::string> {
 protected:
  const Criterion& criterion_ = criterion_named(GetParam());
};

TEST_P(EveryCriterion, ScoresNarrowModels) {
  const auto model = load("llama_bf16_sharded");
  const ScoringData data = some_data(*model, 20, 10);
  expect_finite_for_every_unit(criterion_, *model, {.data = &data});
  expect_finite_for_every_unit(criterion_, *without(*model, {head(0, 1)}), {.data = &data});
}

TEST_P(EveryCriterion, ScoresModelsWhoseLayersLostAllHeadsOrNeurons) {
  for (const DecoderConfig& config : {small_gpt2(), small_llama()}) {
    const auto whole = random_model(config);
    const auto model = without(*whole, both(all_heads(*whole, 0), all_neurons(*whole, 1)));
    const ScoringData data = some_data(*model, 20, 10);
    expect_finite_for_every_unit(criterion_, *model, {.data = &data});
  }
}

TEST_P(EveryCriterion, ScoresAModelAgainAfterItsScoresPrunedIt) {
  auto model = random_model(small_llama());
  const ScoringData data = some_data(*model, 20, 10);
  for (int round = 0; round < 2; ++round) {
    std::vector<Scores> scores;
    for (const UnitKind kind : kScored) {
      if (criterion_.can_score(kind) && kind != UnitKind::layers) {
        scores.push_back(criterion_.score(*model, kind, {.data = &data}));
      }
    }
    Units units;
    for (const ScoredUnit& scored : select(model->config(), model->layout(), scores,
                                           {.budget = {.count = 2}, .keep_heads_min = 0})) {
      units.push_back(scored.unit);
    }
    ASSERT_EQ(units.size(), 2u);
    const auto next = without(*model, units);
    EXPECT_LT(next->parameters(), model->parameters());
    expect_finite_for_every_unit(criterion_, *next, {.data = &data});
    model = next;
  }
}

TEST_P(EveryCriterion, LeavesTheModelAsItWasAndDoesNotAskForItsLevel) {
  const auto model = random_model(small_llama());
  const ScoringData data = some_data(*model, 20, 10);
  const std::string before = model->hash();
  const Scores fused = criterion_.score(*model, UnitKind::heads, {.data = &data});
  const Scores reference = criterion_.score(*model->at_level(0), UnitKind::heads, {.data = &data});
  EXPECT_EQ(fused.of, reference.of);
  EXPECT_EQ(random_model(small_llama())->hash(), before);
  for (const TensorSpec& spec : model->layout()) {
    EXPECT_FALSE(model->wide().at(spec).requires_grad()) << spec.name;
  }
}

TEST_P(EveryCriterion, PassesOverALastTokenThatNothingFollows) {
  const auto model = random_model(small_llama());
  // 21 ids in windows of 10: the last one predicts nothing.
  const ScoringData data = some_data(*model, 21, 10), cut = some_data(*model, 20, 10);
  EXPECT_EQ(criterion_.score(*model, UnitKind::heads, {.data = &data}).of,
            criterion_.score(*model, UnitKind::heads, {.data = &cut}).of);
}

TEST_P(EveryCriterion, TellsHowFarItIsUpToTheEnd) {
  if (!criterion_.needs_data()) GTEST_SKIP() << "takes no time";
  const auto model = random_model(small_llama());
  const ScoringData data = some_data(*model, 20, 10);
  int64_t last = 0, of = 0;
  const auto on_progress = [&](int64_t done, int64_t total) {
    EXPECT_GT(done, last);
    last = done;
    of = total;
  };
  criterion_.score(*model, UnitKind::heads, {.data = &data, .on_progress = on_progress});
  EXPECT_GT(of, 0);
  EXPECT_EQ(last, of);
}

TEST_P(EveryCriterion, SaysWhatItMeasuresAndWhetherItNeedsAText) {
  EXPECT_GT(criterion_.doc().size(), 30u);
  const ScoringData data;
  const std::string name(criterion_.name());
  EXPECT_NO_THROW(check_can_score(criterion_, UnitKind::heads, {.data = &data}));
  if (criterion_.needs_data()) {
    EXPECT_EQ(message_of([&] { check_can_score(criterion_, UnitKind::heads, {}); }),
              "criterion '" + name +
                  "' looks at a text: give data = { file = }, { text = } or { ids = }");
  } else {
    EXPECT_NO_THROW(check_can_score(criterion_, UnitKind::heads, {}));
  }
}

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const Criterion* criterion : criteria()) names.emplace_back(criterion->name());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Named, EveryCriterion, testing::ValuesIn(names()),
                         [](const auto& info) { return info.param; });

TEST(Criteria, AreTheseNine) {
  EXPECT_EQ(names(),
            (std::vector<std::string>{"random", "magnitude", "taylor", "gradient", "ablation",
                                      "activation", "entropy", "confidence", "redundancy"}));
}

TEST(Criteria, AreRefusedByNameAndByKind) {
  EXPECT_EQ(
      message_of([] { criterion_named("magnitud"); }),
      "no criterion is named 'magnitud' (did you mean 'magnitude'?); crescent.prune.criteria() "
      "lists them");
  EXPECT_EQ(message_of([] { check_can_score(entropy_criterion(), UnitKind::neurons, {}); }),
            "criterion 'entropy' can't score neurons; crescent.prune.criteria() says what each one "
            "can");
  const auto model = random_model(small_gpt2());
  EXPECT_EQ(message_of([&] { ablation_criterion().score_weights(*model, {}); }),
            "criterion 'ablation' can't score weights");
}

// Combined ----------------------------------------------------------------------------------------

Scores heads(std::vector<std::vector<double>> of) { return {UnitKind::heads, std::move(of)}; }

TEST(CombinedScores, AreWeightedMeansOfRanksWhereTiesShareTheirs) {
  const std::vector<WeightedScores> parts{{heads({{100, 3}, {7, 7}}), 3},  // ranks 1, 0, 1/2, 1/2
                                          {heads({{-5, -1}, {-1, -1}}), 1}};  // 0, and 2/3 thrice
  const Scores scores = combined(parts);
  EXPECT_EQ(scores.kind, UnitKind::heads);
  ASSERT_EQ(scores.of.size(), 2u);
  EXPECT_DOUBLE_EQ(scores.of[0][0], 0.75);
  EXPECT_DOUBLE_EQ(scores.of[0][1], 0.25 * 2 / 3);
  EXPECT_DOUBLE_EQ(scores.of[1][0], 0.375 + 0.25 * 2 / 3);
  EXPECT_DOUBLE_EQ(scores.of[1][1], 0.375 + 0.25 * 2 / 3);
}

TEST(CombinedScores, OfOneCriterionAreItsRanks) {
  const std::vector<WeightedScores> one{{heads({{1e300, -1e300, 0}, {}}), 5}};
  EXPECT_EQ(combined(one).of, (std::vector<std::vector<double>>{{1, 0, 0.5}, {}}));
  const std::vector<WeightedScores> single{{heads({{42}}), 1}};
  EXPECT_EQ(combined(single).of, (std::vector<std::vector<double>>{{0}}));
  const std::vector<WeightedScores> equal{{heads({{4, 4}, {4, 4}}), 1}};
  EXPECT_EQ(combined(equal).of, (std::vector<std::vector<double>>{{0.5, 0.5}, {0.5, 0.5}}));
}

TEST(CombinedScores, AreRefusedOverOtherUnitsWithoutAnyOrWithStrangeNumbers) {
  const auto message = [](std::vector<WeightedScores> parts) {
    return message_of([&] { combined(parts); });
  };
  EXPECT_EQ(message({}), "combined: expected at least one criterion");
  EXPECT_EQ(message({{heads({{1, 2}}), 1}, {heads({{1}, {2}}), 1}}),
            "combined: expected scores of the same heads, got others");
  EXPECT_EQ(message({{heads({{1, 2}}), 1}, {{UnitKind::neurons, {{1, 2}}}, 1}}),
            "combined: expected scores of the same heads, got others");
  EXPECT_EQ(message({{heads({{1, 2}}), 0}}), "combined: expected weights above 0, got 0");
  EXPECT_EQ(message({{heads({{1, 2}}), -1}}), "combined: expected weights above 0, got -1");
  EXPECT_EQ(message({{heads({{1, std::nan("")}}), 1}}), "combined: a score is not a number");
}

}  // namespace
}  // namespace crescent::test
