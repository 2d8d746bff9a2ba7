#include "engine/prune/plan.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/engine/formats/support.h"
#include "tests/engine/prune/small_config.h"

namespace crescent {
namespace {

using Json = nlohmann::json;

Plan some_plan() {
  const DecoderConfig before = test::small_gpt2();
  const std::vector<ScoredUnit> removed{{{UnitKind::heads, 2, 1}, -0.25, 140},
                                        {{UnitKind::neurons, 0, 11}, 1e-300, 17},
                                        {{UnitKind::groups, 1, 0}, 0, 140},
                                        {{UnitKind::layers, 1, 0}, 1.0 / 3, 532}};
  Plan plan;
  plan.model_hash = "0123456789abcdef";
  plan.family = "gpt2";
  plan.criterion = "taylor";
  plan.seed = std::numeric_limits<uint64_t>::max();
  plan.data = DataUsed{.source = "file book.txt", .hash = "fe", .tokens = 1000, .window = 16};
  plan.removed = removed;
  plan.masks = {{.tensor = "h.0.mlp.c_fc.weight", .elements = 10, .removed = 7, .kept = {5, 2}},
                {.tensor = "empty", .elements = 0, .removed = 0, .kept = {}}};
  plan.context = 16;
  plan.before = figures_of(before, test::layout_of(before), 4, 16);
  const DecoderConfig after = config_of_kept(before, kept_without(before, plan.units()));
  plan.after = figures_of(after, test::layout_of(after), 2.5, 16);
  plan.notes = {"several kinds are ranked by score per parameter"};
  return plan;
}

void expect_same(const ModelFigures& a, const ModelFigures& b) {
  EXPECT_EQ(a.parameters.by_part, b.parameters.by_part);
  EXPECT_EQ(a.bytes, b.bytes);
  EXPECT_EQ(a.flops.by_part, b.flops.by_part);
  EXPECT_EQ(a.elements_read, b.elements_read);
}

/// Through text, as a file goes.
Plan saved_and_read(const Plan& plan) {
  return plan_from_json(Json::parse(to_json(plan).dump()), "plan.json");
}

TEST(Plan, IsReadAsItWasSaved) {
  const Plan plan = some_plan(), again = saved_and_read(plan);
  EXPECT_EQ(again.model_hash, plan.model_hash);
  EXPECT_EQ(again.family, plan.family);
  EXPECT_EQ(again.criterion, plan.criterion);
  EXPECT_EQ(again.seed, plan.seed);
  ASSERT_TRUE(again.data);
  EXPECT_EQ(again.data->source, plan.data->source);
  EXPECT_EQ(again.data->hash, plan.data->hash);
  EXPECT_EQ(again.data->tokens, plan.data->tokens);
  EXPECT_EQ(again.data->window, plan.data->window);
  EXPECT_EQ(again.units(), plan.units());
  for (size_t i = 0; i < plan.removed.size(); ++i) {
    EXPECT_EQ(again.removed[i].score, plan.removed[i].score);
    EXPECT_EQ(again.removed[i].parameters, plan.removed[i].parameters);
  }
  ASSERT_EQ(again.masks.size(), plan.masks.size());
  for (size_t i = 0; i < plan.masks.size(); ++i) {
    EXPECT_EQ(again.masks[i].tensor, plan.masks[i].tensor);
    EXPECT_EQ(again.masks[i].elements, plan.masks[i].elements);
    EXPECT_EQ(again.masks[i].removed, plan.masks[i].removed);
    EXPECT_EQ(again.masks[i].kept, plan.masks[i].kept);
  }
  EXPECT_EQ(again.context, plan.context);
  expect_same(again.before, plan.before);
  expect_same(again.after, plan.after);
  EXPECT_EQ(again.notes, plan.notes);
}

TEST(Plan, IsReadWithoutDataWhereNoneWasUsed) {
  Plan plan = some_plan();
  plan.data.reset();
  EXPECT_FALSE(saved_and_read(plan).data);
}

TEST(Plan, KeepsInfiniteScores) {
  Plan plan = some_plan();
  plan.removed[0].score = -std::numeric_limits<double>::infinity();
  plan.removed[1].score = std::numeric_limits<double>::infinity();
  const Plan again = saved_and_read(plan);
  EXPECT_EQ(again.removed[0].score, plan.removed[0].score);
  EXPECT_EQ(again.removed[1].score, plan.removed[1].score);
}

TEST(Plan, CountsLayersAndUnitsFromOneInItsFile) {
  EXPECT_EQ(to_json(some_plan())["removed"][0], Json::parse(R"(["heads", 3, 2, -0.25, 140])"));
}

/// What is said about some_plan's file after a change.
std::string refusal(const std::function<void(Json&)>& change) {
  Json json = to_json(some_plan());
  change(json);
  return message_of([&] { plan_from_json(json, "plan.json"); });
}

TEST(PlanFile, MustBeAPlanOfThisVersion) {
  EXPECT_EQ(message_of([] { plan_from_json(Json::array(), "plan.json"); }),
            "plan.json: expected an object, found a list of 0");
  EXPECT_EQ(message_of([] { plan_from_json(Json::object(), "plan.json"); }),
            "plan.json: field 'crescent_plan': expected 1 (a plan that plan:save wrote), found "
            "nothing");
  EXPECT_EQ(refusal([](Json& j) { j["crescent_plan"] = 2; }),
            "plan.json: field 'crescent_plan': expected 1 (a plan that plan:save wrote), found 2");
}

TEST(PlanFile, MustHaveEveryField) {
  const std::vector<std::pair<const char*, const char*>> expected{
      {"model_hash", "a text"},      {"family", "a text"},
      {"criterion", "a text"},       {"seed", "a whole number"},
      {"removed", "a list"},         {"masks", "a list"},
      {"context", "a whole number"}, {"before", "an object"},
      {"after", "an object"},        {"notes", "a list"}};
  for (const auto& [name, what] : expected) {
    EXPECT_EQ(refusal([name = name](Json& j) { j.erase(name); }),
              std::string("plan.json: field '") + name + "': expected " + what + ", found nothing");
    EXPECT_EQ(refusal([name = name](Json& j) { j[name] = nullptr; }),
              std::string("plan.json: field '") + name + "': expected " + what + ", found null");
  }
  EXPECT_EQ(refusal([](Json& j) { j["data"].erase("hash"); }),
            "plan.json: field 'hash': expected a text, found nothing");
  EXPECT_EQ(refusal([](Json& j) { j["data"] = 1; }),
            "plan.json: field 'data': expected an object, found 1");
  EXPECT_EQ(refusal([](Json& j) { j["before"].erase("bytes"); }),
            "plan.json: field 'bytes': expected a whole number, found nothing");
  EXPECT_EQ(refusal([](Json& j) { j["after"]["flops"].erase("ffn"); }),
            "plan.json: field 'ffn': expected a whole number, found nothing");
  EXPECT_EQ(refusal([](Json& j) { j["notes"] = {1}; }),
            "plan.json: field 'notes': expected texts, found 1");
}

TEST(PlanFile, MustHaveWholeCountsInRange) {
  EXPECT_EQ(refusal([](Json& j) { j["context"] = -1; }),
            "plan.json: field 'context': expected a whole number, found -1");
  EXPECT_EQ(refusal([](Json& j) { j["context"] = 1.5; }),
            "plan.json: field 'context': expected a whole number, found 1.5");
  EXPECT_EQ(refusal([](Json& j) { j["context"] = UINT64_MAX; }),
            "plan.json: field 'context': expected at most 9007199254740992, found "
            "18446744073709551615");
}

TEST(PlanFile, MustListUnitsThatCanBe) {
  const auto first = [](const char* text) {
    return refusal([text](Json& j) { j["removed"][0] = Json::parse(text); });
  };
  const std::string field = "plan.json: field 'removed': expected ";
  EXPECT_EQ(first("1"), field + "entries [kind, layer, index, score, parameters], found 1");
  EXPECT_EQ(first(R"(["heads", 1, 1, 0])"),
            field + "entries [kind, layer, index, score, parameters], found a list of 4");
  EXPECT_EQ(first(R"([1, 1, 1, 0, 1])"),
            field + "entries [kind, layer, index, score, parameters], found a list of 5");
  EXPECT_EQ(first(R"(["head", 1, 1, 0, 1])"), field + "a kind of unit, found 'head'");
  EXPECT_EQ(first(R"(["heads", 0, 1, 0, 1])"), field + "numbers from 1, found 0");
  EXPECT_EQ(first(R"(["heads", 1, 2147483648, 0, 1])"), field + "numbers from 1, found 2147483648");
  EXPECT_EQ(first(R"(["heads", 1, 1, "high", 1])"), field + "a score, found 'high'");
  EXPECT_EQ(first(R"(["heads", 1, 1, null, 1])"), field + "a score, found null");
  EXPECT_EQ(first(R"(["heads", 1, 1, 0, -1])"), field + "a whole number, found -1");
}

TEST(PlanFile, MustHoldMasksOfTheirOwnLength) {
  const auto first = [](const char* key, Json value) {
    return refusal([=](Json& j) { j["masks"][0][key] = value; });
  };
  const std::string field = "plan.json: field 'masks': ";
  EXPECT_EQ(refusal([](Json& j) { j["masks"] = {1}; }), field + "expected objects, found 1");
  EXPECT_EQ(first("kept", "0502ff"),
            field + "expected 4 hex digits for 10 weights of 'h.0.mlp.c_fc.weight', found 6");
  EXPECT_EQ(first("elements", int64_t{1} << 53),
            field +
                "expected 2251799813685248 hex digits for 9007199254740992 weights of "
                "'h.0.mlp.c_fc.weight', found 4");
  EXPECT_EQ(first("kept", "050G"), field + "expected hex digits, found 'G'");
  EXPECT_EQ(first("kept", "0504"),
            field + "bits are set behind the last of the 10 weights of 'h.0.mlp.c_fc.weight'");
  EXPECT_EQ(first("elements", nullptr),
            "plan.json: field 'elements': expected a whole number, found null");
}

TEST(Plan, BelongsToOneModelAlone) {
  EXPECT_NO_THROW(check_belongs(some_plan(), "0123456789abcdef"));
  EXPECT_EQ(message_of([] { check_belongs(some_plan(), "fedcba9876543210"); }),
            "the plan was made for the model with hash 0123456789abcdef, this one has "
            "fedcba9876543210; make a plan for this model");
}

TEST(ModelFigures, AreThoseOfTheDescription) {
  const DecoderConfig config = test::small_gpt2();
  const ModelFigures figures = figures_of(config, test::layout_of(config), 2, 16);
  EXPECT_EQ(figures.parameters.total(), 1820);
  EXPECT_EQ(figures.bytes, 3640);
  EXPECT_EQ(figures.flops.by_part, flops_per_token(config, 16).by_part);
  EXPECT_EQ(figures.elements_read, elements_read_per_token(config, test::layout_of(config)));
}

}  // namespace
}  // namespace crescent
