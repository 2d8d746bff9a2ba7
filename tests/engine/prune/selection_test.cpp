#include "engine/prune/selection.h"

#include <gtest/gtest.h>

#include <limits>

#include "engine/model/accounting.h"
#include "tests/engine/formats/support.h"
#include "tests/engine/prune/small_config.h"

namespace crescent {
namespace {

using test::layout_of;
using test::small_gpt2;
using test::small_llama;

// What small_gpt2's units hold: d_model 8, head_dim 4, so 4 * 8 * 4 + 3 * 4 and 2 * 8 + 1.
constexpr int64_t kHead = 140, kNeuron = 17;
constexpr int64_t kLayer = 2 * kHead + 12 * kNeuron + /*output biases*/ 2 * 8 + /*norms*/ 4 * 8;

using Rows = std::vector<std::vector<double>>;
const Rows kHeadScores{{0.5, 0.1}, {0.4, 0.2}, {0.6, 0.3}};

Scores scores_of(UnitKind kind, Rows rows) { return {.kind = kind, .of = std::move(rows)}; }
Scores heads(Rows rows = kHeadScores) { return scores_of(UnitKind::heads, std::move(rows)); }
/// All neurons alike but for one of each layer.
Scores neurons(double all, std::vector<double> first_of_layer) {
  Rows rows;
  for (const double first : first_of_layer) {
    rows.emplace_back(12, all);
    rows.back()[0] = first;
  }
  return scores_of(UnitKind::neurons, rows);
}
Scores layers(std::vector<double> scores) {
  Rows rows;
  for (const double score : scores) rows.push_back({score});
  return scores_of(UnitKind::layers, rows);
}

std::vector<ScoredUnit> chosen(const std::vector<Scores>& scores, const SelectOptions& options,
                               const DecoderConfig& config = small_gpt2()) {
  return select(config, layout_of(config), scores, options);
}
std::vector<Unit> units(const std::vector<ScoredUnit>& chosen) {
  std::vector<Unit> units;
  for (const ScoredUnit& scored : chosen) units.push_back(scored.unit);
  return units;
}
std::string refusal(const std::vector<Scores>& scores, const SelectOptions& options,
                    const DecoderConfig& config = small_gpt2()) {
  return message_of([&] { chosen(scores, options, config); });
}

Unit head(int32_t layer, int32_t index) { return {UnitKind::heads, layer, index}; }
Unit group(int32_t layer, int32_t index) { return {UnitKind::groups, layer, index}; }
Unit neuron(int32_t layer, int32_t index) { return {UnitKind::neurons, layer, index}; }
Unit layer(int32_t index) { return {UnitKind::layers, index, 0}; }
using Units = std::vector<Unit>;

SelectOptions ratio_of(double ratio, UnitKind kind = UnitKind::heads) {
  return {.budget = {.ratio = {{kind, ratio}}}};
}
SelectOptions count_of(int64_t count) { return {.budget = {.count = count}}; }
SelectOptions list_of(Units list) { return {.budget = {.list = std::move(list)}}; }

TEST(Selection, TakesTheLowestShareOfAllHeadsLowestFirst) {
  const auto three = chosen({heads()}, ratio_of(0.5));
  EXPECT_EQ(units(three), (Units{head(0, 1), head(1, 1), head(2, 1)}));
  EXPECT_EQ(three[0].score, 0.1);
  EXPECT_EQ(three[0].parameters, kHead);
}

TEST(Selection, RoundsAShareToTheNearestCount) {
  EXPECT_EQ(chosen({heads()}, ratio_of(0)).size(), 0u);
  EXPECT_EQ(chosen({heads()}, ratio_of(0.08)).size(), 0u);  // 0.48 of 6
  EXPECT_EQ(chosen({heads()}, ratio_of(0.09)).size(), 1u);  // 0.54
  EXPECT_EQ(chosen({heads()}, ratio_of(0.25)).size(), 2u);  // 1.5
}

TEST(Selection, HoldsARatioForEachLayerByItself) {
  SelectOptions options = ratio_of(0.5);
  options.per_layer = true;
  EXPECT_EQ(units(chosen({heads({{9, 8}, {1, 2}, {3, 3}})}, options)),
            (Units{head(0, 1), head(1, 0), head(2, 0)}));
}

TEST(Selection, HoldsACountForEachLayerByItself) {
  SelectOptions options = count_of(1);
  options.per_layer = true;
  options.protected_layers = {1};
  EXPECT_EQ(units(chosen({heads()}, options)), (Units{head(0, 1), head(2, 1)}));
}

TEST(Selection, HoldsEachKindsOwnRatio) {
  SelectOptions options;
  options.budget.ratio = {{UnitKind::heads, 1.0 / 6}, {UnitKind::neurons, 2.0 / 36}};
  EXPECT_EQ(units(chosen({heads(), neurons(5, {7, 1, 2})}, options)),
            (Units{head(0, 1), neuron(1, 0), neuron(2, 0)}));
}

TEST(Selection, BreaksTiesByKindThenLayerThenIndex) {
  EXPECT_EQ(units(chosen({heads({{1, 1}, {1, 1}, {1, 1}})}, count_of(3))),
            (Units{head(0, 0), head(1, 0), head(2, 0)}))
      << "one head of each layer stays";
  // The same score per parameter: 140 for a head of 140, 17 for a neuron of 17.
  EXPECT_EQ(units(chosen({neurons(17, {17, 17, 17}), heads({{140, 200}, {200, 200}, {200, 200}})},
                         count_of(3))),
            (Units{head(0, 0), neuron(0, 0), neuron(0, 1)}));
}

TEST(Selection, RanksSeveralKindsByScorePerParameter) {
  // Per parameter: head (0, 1) 0.01, neuron (1, 0) 0.02, head (1, 1) 0.03, layer 3 0.04.
  const auto three = chosen({heads({{14, 1.4}, {14, 4.2}, {14, 14}}), neurons(9, {9, 0.34, 9}),
                             layers({900, 900, 0.04 * kLayer})},
                            count_of(4));
  EXPECT_EQ(units(three), (Units{head(0, 1), neuron(1, 0), head(1, 1), layer(2)}));
  EXPECT_EQ(three[1].score, 0.34) << "the score itself is kept";
  EXPECT_EQ(three[1].parameters, kNeuron);
  EXPECT_EQ(three[3].parameters, kLayer);
}

TEST(Selection, RanksOneKindByItsScoreAlone) {
  // In small_llama's layer 1 a lone reader takes its key/value head along: twice the parameters.
  const DecoderConfig config =
      config_of_kept(small_llama(), kept_without(small_llama(), {head(0, 1)}));
  EXPECT_EQ(
      units(chosen({heads({{1.0, 9, 9}, {0.9, 9, 9, 9}, {9, 9, 9, 9}})}, count_of(1), config)),
      (Units{head(1, 0)}));
}

TEST(Selection, TakesInfiniteScoresAsTheyAre) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(units(chosen({heads({{kInf, 5}, {-kInf, 3}, {kInf, 4}})}, count_of(3))),
            (Units{head(1, 0), head(2, 1), head(0, 1)}));
}

TEST(Selection, LetsAChosenLayerStandForWhatWasChosenInIt) {
  // Both heads of layer 2 are the lowest, then the layer itself.
  const auto scores = {heads({{900, 900}, {1, 1}, {900, 900}}), layers({9e5, 2000, 9e5})};
  SelectOptions options = count_of(1);
  options.keep_heads_min = 0;
  EXPECT_EQ(units(chosen(scores, options)), (Units{head(1, 0)}));
  options.budget = {.params_max = 1820 - 2 * kHead - 1};  // one more than the heads hold
  const auto one = chosen(scores, options);
  EXPECT_EQ(units(one), (Units{layer(1)}));
  EXPECT_EQ(one[0].parameters, kLayer);
  // Its heads don't count twice: 600 are more than the 532 of the layer.
  options.budget = {.params_max = 1820 - 600};
  EXPECT_EQ(units(chosen(scores, options)), (Units{layer(1), head(0, 0)}));
}

TEST(Selection, CountsWhatIsInThePlanNotWhatALayerSwallowed) {
  const auto scores = {heads({{900, 950}, {1, 1}, {960, 970}}), layers({9e5, 2000, 9e5})};
  SelectOptions options = count_of(3);
  options.keep_heads_min = 0;
  EXPECT_EQ(units(chosen(scores, options)), (Units{layer(1), head(0, 0), head(0, 1)}));
}

TEST(Selection, LetsAChosenGroupStandForItsHeads) {
  const DecoderConfig config = small_llama();
  const Scores singles = heads({{1, 2, 9e3, 9e3}, {9e3, 9e3, 9e3, 9e3}, {9e3, 9e3, 9e3, 9e3}});
  const Scores groups = scores_of(UnitKind::groups, {{100, 9e6}, {9e6, 9e6}, {9e6, 9e6}});
  SelectOptions options = count_of(2);
  EXPECT_EQ(units(chosen({singles, groups}, options, config)), (Units{head(0, 0), head(0, 1)}));
  options = count_of(1);
  options.budget = {.params_max = 0};
  options.budget = {.params_max = parameters(layout_of(config)).total() - 3 * 64};
  EXPECT_EQ(units(chosen({singles, groups}, options, config)), (Units{head(0, 0), head(0, 1)}))
      << "the last head on it takes the key/value head along: nothing is left for the group";
  const Scores cheap_groups = scores_of(UnitKind::groups, {{5, 9e6}, {9e6, 9e6}, {9e6, 9e6}});
  options = count_of(2);
  const auto two = chosen(
      {heads({{1, 900, 9e3, 9e3}, {1000, 9e3, 9e3, 9e3}, {9e3, 9e3, 9e3, 9e3}}), cheap_groups},
      options, config);
  EXPECT_EQ(units(two), (Units{group(0, 0), head(1, 0)})) << "no head of it is taken again";
}

TEST(Selection, TakesAListInItsOrderWithTheScoresThatThereAre) {
  const auto listed = chosen({heads()}, list_of({head(2, 0), neuron(1, 5), layer(0)}));
  EXPECT_EQ(units(listed), (Units{head(2, 0), neuron(1, 5), layer(0)}));
  EXPECT_EQ(listed[0].score, 0.6);
  EXPECT_EQ(listed[1].score, 0);
  EXPECT_EQ(listed[1].parameters, kNeuron);
  EXPECT_EQ(listed[2].parameters, kLayer);
}

TEST(Selection, TakesAListedHeadOnceWhereItsLayerOrGroupIsListedToo) {
  EXPECT_EQ(units(chosen({}, list_of({layer(0), head(0, 1), neuron(0, 2), head(1, 0)}))),
            (Units{layer(0), head(1, 0)}));
  EXPECT_EQ(units(chosen({}, list_of({head(0, 1), layer(0)}))), (Units{layer(0)}));
  const DecoderConfig config = small_llama();
  EXPECT_EQ(units(chosen({}, list_of({group(0, 1), head(0, 2)}), config)), (Units{group(0, 1)}));
  EXPECT_EQ(units(chosen({}, list_of({head(0, 2), group(0, 1)}), config)), (Units{group(0, 1)}));
}

TEST(Selection, RemovesAtLeastDownToParamsMaxAndNotOneUnitMore) {
  const int64_t before = parameters(layout_of(small_gpt2())).total();
  const auto at_most = [&](int64_t params) {
    return chosen({heads()}, {.budget = {.params_max = params}}).size();
  };
  EXPECT_EQ(at_most(before), 0u);
  EXPECT_EQ(at_most(before + 100), 0u);
  EXPECT_EQ(at_most(before - 1), 1u);
  EXPECT_EQ(at_most(before - kHead), 1u);
  EXPECT_EQ(at_most(before - kHead - 1), 2u);
}

TEST(Selection, CountsAKeyValueHeadWhenItsLastReaderIsChosen) {
  const DecoderConfig config = small_llama();
  const int64_t before = parameters(layout_of(config)).total(), query = 2 * 8 * 4, kv = query;
  const Scores scores = heads({{1, 2, 9, 9}, {3, 9, 9, 9}, {9, 9, 9, 9}});
  const auto at_most = [&](int64_t params) {
    return chosen({scores}, {.budget = {.params_max = params}}, config).size();
  };
  EXPECT_EQ(at_most(before - 2 * query - kv), 2u);
  EXPECT_EQ(at_most(before - 2 * query - kv - 1), 3u);
}

TEST(Selection, HoldsBytesMaxAtTheWidthThatIsStored) {
  const int64_t before = parameters(layout_of(small_gpt2())).total();
  const auto at_most = [&](int64_t bytes, double each) {
    return chosen({heads()}, {.budget = {.bytes_max = bytes}, .bytes_per_parameter = each}).size();
  };
  EXPECT_EQ(at_most(4 * before, 4), 0u);
  EXPECT_EQ(at_most(4 * before - 1, 4), 1u);
  EXPECT_EQ(at_most(4 * (before - kHead), 4), 1u);
  EXPECT_EQ(at_most(4 * (before - kHead) - 1, 4), 2u);
  EXPECT_EQ(at_most(2 * before, 2), 0u);
  EXPECT_EQ(at_most(2 * (before - kHead) - 1, 2), 2u);
}

TEST(Selection, TakesAShareOfTheParametersInAllKindsTogether) {
  // Heads and neurons hold 3 * (2 * 140 + 12 * 17) = 1452; a tenth is 145: a head and a neuron.
  SelectOptions options{.budget = {.ratio_of_all = 0.1}};
  EXPECT_EQ(units(chosen({heads({{1, 9e3}, {9e3, 9e3}, {9e3, 9e3}}), neurons(9e3, {2, 9e3, 9e3})},
                         options)),
            (Units{head(0, 0), neuron(0, 0)}));
  // Layers contain the other kinds: 3 * 532 parameters, of which 0.32 are 511.
  options.budget.ratio_of_all = 0.32;
  EXPECT_EQ(
      units(chosen({heads({{9e5, 9e5}, {9e5, 9e5}, {9e5, 9e5}}), layers({3, 1, 2})}, options)),
      (Units{layer(1)}));
}

TEST(Selection, LeavesProtectedLayersAlone) {
  SelectOptions options = count_of(2);
  options.protected_layers = {0, 2};
  options.keep_heads_min = 0;
  EXPECT_EQ(units(chosen({heads()}, options)), (Units{head(1, 1), head(1, 0)}));
  options.budget = {.params_max = 1820 - 1};
  EXPECT_EQ(units(chosen({layers({1, 5, 2})}, options)), (Units{layer(1)}));
}

TEST(Selection, KeepsAHeadInEveryLayerUnlessToldOtherwise) {
  const Scores scores = heads({{1, 2}, {3, 4}, {5, 6}});
  EXPECT_EQ(units(chosen({scores}, count_of(3))), (Units{head(0, 0), head(1, 0), head(2, 0)}));
  SelectOptions none = count_of(3);
  none.keep_heads_min = 0;
  EXPECT_EQ(units(chosen({scores}, none)), (Units{head(0, 0), head(0, 1), head(1, 0)}));
}

TEST(Selection, SkipsAGroupThatWouldLeaveTooFewHeads) {
  const DecoderConfig config = small_llama();
  const Scores groups = scores_of(UnitKind::groups, {{1, 2}, {3, 4}, {5, 6}});
  SelectOptions options = count_of(3);
  EXPECT_EQ(units(chosen({groups}, options, config)),
            (Units{group(0, 0), group(1, 0), group(2, 0)}));
  options.keep_heads_min = 3;
  EXPECT_EQ(refusal({groups}, options, config),
            "3 of 6 groups were to go, only 0 may: look at keep_heads_min, protect_layers and the "
            "last layer, which stays");
}

TEST(Selection, SaysWhatStandsAgainstABudget) {
  const std::string why =
      " may: look at keep_heads_min, protect_layers and the last layer, which stays";
  EXPECT_EQ(refusal({heads()}, count_of(4)), "4 of 6 heads were to go, only 3" + why);
  EXPECT_EQ(refusal({heads()}, ratio_of(1)), "6 of 6 heads were to go, only 3" + why);
  EXPECT_EQ(refusal({layers({1, 2, 3})}, ratio_of(1, UnitKind::layers)),
            "3 of 3 layers were to go, only 2" + why);
  EXPECT_EQ(refusal({heads(), layers({1, 2, 3})}, count_of(100)),
            "100 of 9 units were to go, only 3" + why)
      << "two layers, and a head of the last";
  SelectOptions per_layer = count_of(2);
  per_layer.per_layer = true;
  EXPECT_EQ(refusal({heads()}, per_layer), "2 of 2 heads of layer 1 were to go, only 1" + why);
  EXPECT_EQ(refusal({heads()}, {.budget = {.params_max = 100}}),
            "1720 parameters were to go, only 420 may: name more kinds of units, or look at "
            "keep_heads_min and protect_layers");
}

TEST(Selection, SaysWhatIsWrongWithAList) {
  EXPECT_EQ(refusal({}, list_of({head(3, 0)})), "there is no layer 4; the model has 3");
  EXPECT_EQ(refusal({}, list_of({head(0, 2)})), "there is no head 3 in layer 1; it has 2");
  EXPECT_EQ(refusal({}, list_of({head(0, 1), head(0, 1)})), "head 2 of layer 1 is named twice");
  EXPECT_EQ(refusal({}, list_of({head(0, 0), head(0, 1)})),
            "layer 1 would keep fewer heads than keep_heads_min; 0 allows a layer without heads");
  EXPECT_EQ(refusal({}, list_of({layer(0), layer(1), layer(2)})), "no layer would be left");
  SelectOptions options = list_of({head(1, 1)});
  options.protected_layers = {1};
  EXPECT_EQ(refusal({}, options), "layer 2 is protected and can't lose head 2");
}

TEST(Selection, SaysWhatIsWrongWithScores) {
  EXPECT_EQ(refusal({heads({{1, 2}, {3, 4}})}, count_of(1)), "scores: expected 3 layers, got 2");
  EXPECT_EQ(refusal({heads({{1, 2}, {3}, {4, 5}})}, count_of(1)),
            "scores: expected 2 heads in layer 2, got 1");
  EXPECT_EQ(refusal({heads({{1, 2}, {3, std::nan("")}, {4, 5}})}, count_of(1)),
            "scores: head 2 of layer 2 is not a number");
}

}  // namespace
}  // namespace crescent
