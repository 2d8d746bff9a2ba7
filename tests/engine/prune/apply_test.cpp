#include "engine/prune/apply.h"

#include <ATen/ops/cat.h>

#include <map>
#include <set>

#include "engine/exec/session.h"
#include "tests/engine/prune/support.h"

namespace crescent::test {
namespace {

/// Of a case in expected.json: heads [[layer, head], ...], neurons { layer: [...] }.
Units units_of_case(const nlohmann::json& json) {
  Units units;
  for (const auto& pair : json.at("heads")) units.push_back(head(pair[0], pair[1]));
  for (const auto& [layer, list] : json.at("neurons").items()) {
    for (const auto& index : list) units.push_back(neuron(std::stoi(layer), index));
  }
  return units;
}

class Reference : public testing::TestWithParam<std::tuple<std::string, int>> {};

TEST_P(Reference, HasTheSameLogitsWithoutTheSameHeadsAndNeurons) {
  const auto& [name, level] = GetParam();
  const auto model = load(name, level);
  const Expected expected("gpt2");
  const Prompt& prompt = expected.prompts()[0];
  size_t cases = 0;
  for (const auto& json : expected.json().at("prune")) {
    const std::string of_case = json.at("name");
    const at::Tensor theirs = expected.array("prune." + of_case + ".p0.logits");
    // The reference path is bound as tightly as the unpruned one, the fast path ten times wider.
    const double bound = prompt.tolerance_max_abs * (level == 0 ? 1 : 10);
    const Units units = units_of_case(json);
    const at::Tensor ids = ids_tensor(*model, prompt.ids);
    EXPECT_LE(max_abs_difference(forward(*without(*model, units), ids)[0], theirs), bound)
        << of_case;
    EXPECT_LE(max_abs_difference(forward(*masked(*model, units), ids)[0], theirs), bound)
        << of_case;
    EXPECT_GT(max_abs_difference(forward(*model, ids)[0], theirs), 1000 * bound) << of_case;
    ++cases;
  }
  EXPECT_EQ(cases, 4u);
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Reference,
                         testing::Combine(testing::Values("gpt2", "gpt2_noprefix_oldcfg"),
                                          testing::Values(0, 1, 2)),
                         folder_and_level);

// Masked and removed -----------------------------------------------------------------------------

struct Removal {
  const char* name;
  std::function<Units(const Model&)> units;
};

/// Fixtures have 2 layers of 4 heads; gpt2 has 4 key/value heads, llama 2, llama3_headdim 1.
const std::vector<Removal>& removals() {
  static const std::vector<Removal> all{
      {"a_head", [](const Model&) { return Units{head(0, 1)}; }},
      {"heads_that_leave_unequal_groups",
       [](const Model&) {
         return Units{head(0, 0), head(1, 1), head(1, 3)};
       }},
      {"the_same_number_from_each_group",
       [](const Model&) {
         return Units{head(0, 1), head(0, 2), head(1, 0), head(1, 3)};
       }},
      {"a_whole_group",
       [](const Model& m) {
         return m.config().layers[0].kv_heads > 1 ? Units{group(0, 1), group(1, 0)}
                                                  : Units{group(0, 0)};
       }},
      {"a_group_and_one_of_its_heads",
       [](const Model&) {
         return Units{group(0, 0), head(0, 0)};
       }},
      {"all_heads_of_a_layer", [](const Model& m) { return all_heads(m, 0); }},
      {"all_heads", [](const Model& m) { return both(all_heads(m, 0), all_heads(m, 1)); }},
      {"neurons",
       [](const Model&) {
         return Units{neuron(0, 0), neuron(0, 47), neuron(1, 13)};
       }},
      {"all_neurons_of_a_layer", [](const Model& m) { return all_neurons(m, 1); }},
      {"the_first_layer", [](const Model&) { return Units{layer(0)}; }},
      {"the_last_layer", [](const Model&) { return Units{layer(1)}; }},
      {"everything_but_a_layers_norms",
       [](const Model& m) { return both(both(all_heads(m, 0), all_neurons(m, 0)), {layer(1)}); }},
      {"some_of_every_kind",
       [](const Model&) {
         return Units{neuron(1, 3), head(1, 2), group(1, 0), layer(0), neuron(1, 40)};
       }},
      {"a_layer_and_what_is_in_it",
       [](const Model&) {
         return Units{head(0, 2), layer(0), neuron(0, 1), head(1, 3)};
       }},
  };
  return all;
}

/// Feeds ids in uneven steps, last one by one, to a session: (1, T, V).
at::Tensor through_session(std::shared_ptr<const Model> model, const at::Tensor& ids) {
  const auto session = Session::open(std::move(model), 1, ids.size(1));
  std::vector<at::Tensor> parts;
  int64_t at = 0;
  for (const int64_t step : {5, 3, 1, 1}) {
    parts.push_back(session->feed(ids.narrow(1, at, step), {}));
    at += step;
  }
  EXPECT_EQ(at, ids.size(1));
  return at::cat(parts, 1);
}

class Removed : public testing::TestWithParam<std::tuple<std::string, int>> {};

TEST_P(Removed, IsTheSameFunctionAsMasked) {
  const auto& [name, level] = GetParam();
  const auto model = load(name, level);
  const at::Tensor ids = some_ids(1, 10, model->config().vocab, 3);
  const at::Tensor before = forward(*model, ids);
  for (const Removal& removal : removals()) {
    const Units units = removal.units(*model);
    const auto removed = without(*model, units), zeroed = masked(*model, units);
    EXPECT_EQ(removed->level(), level);
    EXPECT_EQ(zeroed->level(), level);
    EXPECT_EQ(zeroed->config(), model->config());
    EXPECT_LT(removed->parameters(), model->parameters());
    const at::Tensor logits = forward(*zeroed, ids);
    EXPECT_LE(relative_difference(forward(*removed, ids), logits), 1e-5) << removal.name;
    EXPECT_LE(relative_difference(through_session(removed, ids), logits), 1e-5) << removal.name;
    EXPECT_LE(relative_difference(through_session(zeroed, ids), logits), 1e-5) << removal.name;
    EXPECT_GT(relative_difference(logits, before), 1e-3) << removal.name << " changed nothing";
  }
}

TEST_P(Removed, RunsInABatch) {
  const auto& [name, level] = GetParam();
  const auto model = load(name, level);
  const at::Tensor ids = some_ids(3, 9, model->config().vocab, 4);
  for (const Removal& removal : removals()) {
    const auto removed = without(*model, removal.units(*model));
    const at::Tensor together = forward(*removed, ids);
    for (int64_t row = 0; row < 3; ++row) {
      const at::Tensor alone = forward(*removed, ids.narrow(0, row, 1));
      EXPECT_LE(relative_difference(together.narrow(0, row, 1), alone), 1e-5) << removal.name;
    }
  }
}

TEST_P(Removed, IsTheSameInTwoStepsAsInOne) {
  const auto& [name, level] = GetParam();
  const auto model = load(name, level);
  const auto once = without(*model, {layer(0), head(1, 1), neuron(1, 2), neuron(1, 7)});
  const auto first = without(*model, {head(1, 1), neuron(1, 2)});
  const auto second = without(*first, {layer(0), neuron(1, 6)});  // 7 before 2 went
  EXPECT_EQ(second->config(), once->config());
  EXPECT_EQ(second->hash(), once->hash());
  EXPECT_EQ(second->config().layers[0].origin.layer, 1);
}

TEST_P(Removed, IsZeroInTheShapeOfItsFamilyWherePadded) {
  const auto& [name, level] = GetParam();
  const auto model = load(name, level);
  const at::Tensor ids = some_ids(1, 10, model->config().vocab, 3);
  for (const Removal& removal : removals()) {
    const auto removed = without(*model, removal.units(*model));
    const auto whole = padded(*removed);
    EXPECT_EQ(whole->level(), level);
    EXPECT_LE(relative_difference(forward(*whole, ids), forward(*removed, ids)), 1e-5)
        << removal.name;
    const nlohmann::json json = whole->family().write(whole->config());
    EXPECT_EQ(json.at("model_type"), model->family().model_type()) << removal.name;
    EXPECT_EQ(whole->config().layers.front().heads(), model->config().layers.front().heads());
    EXPECT_EQ(whole->config().layers.front().ffn_width, model->config().layers.front().ffn_width);
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Removed,
                         testing::Combine(testing::Values("gpt2", "llama", "llama3_headdim",
                                                          "llama_bf16_sharded",
                                                          "llama_tied_linear"),
                                          testing::Values(0, 1, 2)),
                         folder_and_level);

TEST(Removal, WorksWithBiasesOnSeparateQueryKeyAndValue) {
  DecoderConfig config = small_llama();
  config.qkv_bias = config.attention_output_bias = config.ffn_bias = true;
  const auto model = random_model(config);
  const at::Tensor ids = some_ids(1, 10, config.vocab);
  for (const Units& units :
       {Units{head(0, 1), head(1, 0), head(1, 3), neuron(2, 4)}, Units{group(0, 1), layer(1)},
        both(all_heads(*model, 2), all_neurons(*model, 0))}) {
    const at::Tensor logits = forward(*masked(*model, units), ids);
    const auto removed = without(*model, units);
    EXPECT_LE(relative_difference(forward(*removed, ids), logits), 1e-5);
    EXPECT_LE(relative_difference(forward(*removed->at_level(0), ids), logits), 1e-5);
    EXPECT_LE(relative_difference(forward(*padded(*removed), ids), logits), 1e-5);
  }
}

// What is shared, and what is not touched ---------------------------------------------------------

TEST(Removal, OfNothingSharesEveryTensorAndIsBitIdentical) {
  for (const std::string& name : model_names()) {
    const auto model = load(name);
    const auto same = without(*model, {}), zeroed = masked(*model, {}), whole = padded(*model);
    const at::Tensor ids = some_ids(2, 9, model->config().vocab);
    for (const auto& other : {same, zeroed, whole}) {
      EXPECT_EQ(other->config(), model->config()) << name;
      EXPECT_EQ(other->hash(), model->hash()) << name;
      for (const TensorSpec& spec : model->layout()) {
        EXPECT_TRUE(other->stored().at(spec).is_same(model->stored().at(spec))) << spec.name;
      }
      EXPECT_TRUE(same_bits(forward(*other, ids), forward(*model, ids))) << name;
    }
  }
}

TEST(Removal, LeavesTheModelAsItWasAndSharesWhatItDidNotTouch) {
  for (const char* name : {"gpt2", "llama"}) {
    const auto model = load(name);
    std::map<std::string, at::Tensor> copies;
    for (const TensorSpec& spec : model->layout()) {
      copies[spec.name] = model->stored().at(spec).clone();
    }
    const auto removed = without(*model, {head(0, 1), neuron(0, 3), layer(1)});
    const auto zeroed = masked(*model, {head(0, 1), neuron(0, 3)});
    for (const TensorSpec& spec : model->layout()) {
      EXPECT_TRUE(same_bits(model->stored().at(spec), copies[spec.name])) << spec.name;
      const bool touched = spec.part == Part::attention || spec.part == Part::ffn;
      if (spec.layer == 0 && touched) continue;
      if (spec.layer < 1) {
        EXPECT_TRUE(removed->stored().at(spec).is_same(model->stored().at(spec))) << spec.name;
      }
      EXPECT_TRUE(zeroed->stored().at(spec).is_same(model->stored().at(spec))) << spec.name;
    }
    // Of the masked layer only the two output matrices are new.
    std::set<Slot> fresh;
    for (const TensorSpec& spec : model->layout()) {
      if (!zeroed->stored().at(spec).is_same(model->stored().at(spec))) fresh.insert(spec.slot);
    }
    EXPECT_EQ(fresh, (std::set<Slot>{Slot::attention_output_weight, Slot::ffn_down_weight}));
    EXPECT_EQ(load(name)->hash(), model->hash());
  }
}

TEST(Removal, KeepsTheDtypeThatIsStored) {
  const auto model = load("llama_bf16_sharded");
  for (const auto& other :
       {without(*model, {head(0, 0), neuron(1, 1)}), masked(*model, {head(0, 0), layer(1)}),
        padded(*without(*model, {head(0, 0), neuron(1, 1)}))}) {
    for (const TensorSpec& spec : other->layout()) {
      EXPECT_EQ(other->stored().at(spec).scalar_type(), at::kBFloat16) << spec.name;
    }
  }
}

TEST(Removal, IsRefusedForWhatIsNotThereAndForAllLayers) {
  const auto model = load("gpt2");
  EXPECT_EQ(message_of([&] { without(*model, {head(0, 4)}); }),
            "there is no head 5 in layer 1; it has 4");
  EXPECT_EQ(message_of([&] {
              masked(*model, {neuron(1, 0), neuron(1, 0)});
            }),
            "neuron 1 of layer 2 is named twice");
  EXPECT_EQ(message_of([&] { without(*model, {layer(0), layer(1)}); }), "no layer would be left");
}

TEST(Masking, OfEveryLayerLeavesTheEmbeddingsAlone) {
  const auto model = load("gpt2");
  const at::Tensor ids = some_ids(1, 6, model->config().vocab);
  const Captured captured =
      forward_captured(*masked(*model, {layer(0), layer(1)}), ids, {.hidden = true});
  EXPECT_TRUE(same_bits(captured.hidden.front(), captured.hidden.back()));
}

}  // namespace
}  // namespace crescent::test
