#include "engine/formats/config_json.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "engine/formats/hf_folder.h"
#include "engine/prune/unit.h"
#include "tests/engine/formats/support.h"
#include "tests/engine/prune/small_config.h"

namespace crescent {
namespace {

using Json = nlohmann::json;
using test::small_gpt2;
using test::small_llama;

DecoderConfig without(const DecoderConfig& config, const std::vector<Unit>& removed) {
  return config_of_kept(config, kept_without(config, removed));
}
Unit head(int32_t layer, int32_t index) { return {UnitKind::heads, layer, index}; }
Unit neuron(int32_t layer, int32_t index) { return {UnitKind::neurons, layer, index}; }

Json written(const DecoderConfig& config) {
  return write_config(family_of(config.family, "test"), config);
}
/// Through text, as a file goes.
DecoderConfig read_again(const Json& json) {
  return read_config(Json::parse(json.dump()), "config.json").config;
}

void expect_plain(const DecoderConfig& config) {
  const Json json = written(config);
  EXPECT_EQ(json["model_type"], config.family);
  EXPECT_TRUE(json.contains("crescent"));
  EXPECT_EQ(read_again(json), config);
  Json as_others_see_it = json;
  as_others_see_it.erase("crescent");
  EXPECT_TRUE(same_function(read_again(as_others_see_it), config));
}

void expect_own(const DecoderConfig& config) {
  const Json json = written(config);
  EXPECT_EQ(json["model_type"], "crescent");
  EXPECT_EQ(json["crescent"]["base"]["model_type"], config.family);
  EXPECT_EQ(json["crescent"]["layers"].size(), config.layers.size());
  EXPECT_EQ(read_again(json), config);
}

TEST(ConfigJson, IsTheFamilysWhereNothingWasRemoved) {
  for (const DecoderConfig& config : {small_gpt2(), small_llama()}) {
    const Json json = written(config);
    EXPECT_EQ(json, family_of(config.family, "test").write(config));
    EXPECT_EQ(read_again(json), config);
  }
}

TEST(ConfigJson, IsPlainWithAnAsideWhereTheFamilyHasWordsForWhatIsLeft) {
  expect_plain(without(small_gpt2(), {{UnitKind::layers, 1, 0}}));
  expect_plain(without(small_gpt2(), {neuron(0, 1), neuron(1, 5), neuron(2, 11)}));
  expect_plain(without(small_llama(),
                       {head(0, 1), head(0, 3), head(1, 0), head(1, 2), head(2, 0), head(2, 3)}));
  expect_plain(
      without(small_llama(),
              {{UnitKind::groups, 0, 0}, {UnitKind::groups, 2, 1}, {UnitKind::layers, 1, 0}}));
}

TEST(ConfigJson, IsOfOurOwnTypeWhereTheFamilyHasNoWords) {
  expect_own(without(small_gpt2(), {head(0, 0), head(1, 1), head(2, 0)}));
  expect_own(without(small_gpt2(), {neuron(1, 3)}));
  expect_own(without(small_gpt2(), {head(1, 0), head(1, 1)}));
  expect_own(without(small_llama(), {head(0, 1), head(1, 1), head(2, 1)}));
  std::vector<Unit> all_neurons;
  for (int32_t i = 0; i < 12; ++i) all_neurons.push_back(neuron(2, i));
  expect_own(without(small_llama(), all_neurons));
  expect_own(without(without(small_llama(), {head(0, 1), {UnitKind::layers, 1, 0}}),
                     {head(0, 0), neuron(1, 2)}));
}

TEST(ConfigJson, KeepsAttentionScalesThatDependOnALayersOldPlace) {
  DecoderConfig config = small_gpt2();
  for (size_t i = 0; i < config.layers.size(); ++i) {
    config.layers[i].attention_scale /= static_cast<double>(i + 1);
  }
  EXPECT_EQ(written(config)["scale_attn_by_inverse_layer_idx"], true);
  expect_own(without(config, {{UnitKind::layers, 0, 0}}));
  // Without its last layer it is just a shorter model.
  const Json shorter = written(without(config, {{UnitKind::layers, 2, 0}}));
  EXPECT_EQ(shorter["n_layer"], 2);
  EXPECT_FALSE(shorter.contains("crescent"));
}

TEST(ConfigJson, KeepsALayerWithoutAHalf) {
  DecoderConfig config = small_llama();
  config.layers[0].has_attention = false;
  config.layers[1].has_ffn = false;
  expect_own(config);
}

TEST(ConfigJson, IsNotWrittenForWhatNoFamilyWas) {
  DecoderConfig config = small_llama();
  config.layers[1].origin.shape.heads = 8;
  config.layers[1].ffn_width = 5;
  EXPECT_EQ(message_of([&] { written(config); }),
            "config.json of family 'llama' can't say: layer 2: heads or neurons were removed");
  config = small_llama();
  config.layers[1].origin.heads = {3, 2, 1, 0};
  EXPECT_EQ(
      message_of([&] { written(config); }),
      "config.json: field 'crescent.layers[1].original_heads': expected growing numbers, found "
      "2 after 3");
}

/// small_llama without head 2 of layer 1: of our own type.
Json own_json() { return written(without(small_llama(), {head(0, 1)})); }
/// small_gpt2 without its second layer: plain, with an aside.
Json plain_json() { return written(without(small_gpt2(), {{UnitKind::layers, 1, 0}})); }

std::string refusal_of(Json json, const std::function<void(Json&)>& change) {
  change(json);
  const Json read = Json::parse(json.dump());
  return message_of([&] { read_config(read, "config.json"); });
}
/// What is said about a change in the first layer, which holds 3 heads on 2 key/value heads.
std::string refusal_of_layer(const std::function<void(Json&)>& change) {
  return refusal_of(own_json(), [&](Json& json) { change(json["crescent"]["layers"][0]); });
}

TEST(CrescentObject, MustBeWhereTheTypeIsOurs) {
  EXPECT_EQ(refusal_of(own_json(), [](Json& j) { j.erase("crescent"); }),
            "config.json: field 'crescent': expected an object, found nothing");
  EXPECT_EQ(refusal_of(own_json(),
                       [](Json& j) {
                         j["crescent"] = {1, 2};
                       }),
            "config.json: field 'crescent': expected an object, found a list of 2");
  EXPECT_EQ(refusal_of(plain_json(), [](Json& j) { j["crescent"] = nullptr; }),
            "config.json: field 'crescent': expected an object, found null");
}

TEST(CrescentObject, MustBeOfAKnownVersion) {
  const std::string field = "config.json: field 'crescent.version': expected 1, found ";
  EXPECT_EQ(refusal_of(own_json(), [](Json& j) { j["crescent"].erase("version"); }),
            field + "nothing");
  EXPECT_EQ(refusal_of(own_json(), [](Json& j) { j["crescent"]["version"] = "1"; }), field + "'1'");
  EXPECT_EQ(refusal_of(plain_json(), [](Json& j) { j["crescent"]["version"] = 2; }),
            field + "2; a newer crescent may read it");
}

TEST(CrescentObject, MustHaveABaseOfAKnownFamilyAndNoOtherKeys) {
  const auto own = [](const std::function<void(Json&)>& change) {
    return refusal_of(own_json(), [&](Json& j) { change(j["crescent"]); });
  };
  EXPECT_EQ(own([](Json& c) { c.erase("base"); }),
            "config.json: field 'crescent.base': expected an object, found nothing");
  EXPECT_EQ(own([](Json& c) { c["base"].erase("model_type"); }),
            "config.json: field 'model_type': expected the name of a model family, found nothing");
  EXPECT_EQ(own([](Json& c) { c["base"]["model_type"] = "crescent"; }),
            message_of([] { family_of("crescent", "config.json"); }))
      << "no base in a base";
  EXPECT_EQ(own([](Json& c) { c["layrs"] = 1; }),
            "config.json: field 'crescent.layrs': expected no such key, found 1");
  EXPECT_EQ(refusal_of(plain_json(), [](Json& j) { j["crescent"]["base"] = Json::object(); }),
            "config.json: field 'crescent.base': expected no such key, found an object");
}

TEST(CrescentObject, MustHaveAsManyLayersAsTheOtherKeysSay) {
  EXPECT_EQ(refusal_of(own_json(), [](Json& j) { j["crescent"]["layers"].erase(2); }),
            "config.json: field 'crescent.layers': expected 3 layers, as the family's keys say, "
            "found 2");
  EXPECT_EQ(refusal_of(plain_json(), [](Json& j) { j["n_layer"] = 3; }),
            "config.json: field 'crescent.layers': expected 3 layers, as the family's keys say, "
            "found 2");
  EXPECT_EQ(refusal_of(own_json(), [](Json& j) { j["crescent"].erase("layers"); }),
            "config.json: field 'crescent.layers': expected a list of objects, found nothing");
  EXPECT_EQ(refusal_of(own_json(), [](Json& j) { j["crescent"]["layers"][1] = "two"; }),
            "config.json: field 'crescent.layers[1]': expected an object, found 'two'");
}

TEST(CrescentObject, MustSayWhatThePlainKeysSay) {
  const char* const message =
      "config.json: field 'crescent.layers': expected the layers that the other keys say, found "
      "others";
  EXPECT_EQ(refusal_of(plain_json(), [](Json& j) { j["n_inner"] = 11; }), message);
  EXPECT_EQ(refusal_of(plain_json(), [](Json& j) { j["n_head"] = 4; }), message);
  EXPECT_EQ(refusal_of(plain_json(),
                       [](Json& j) { j["crescent"]["layers"][1]["attention_scale"] = 0.25; }),
            message);
  EXPECT_EQ(
      refusal_of(plain_json(), [](Json& j) { j["crescent"]["layers"][0]["has_ffn"] = false; }),
      message);
}

TEST(CrescentLayer, MustHaveEveryKeyAndNoOther) {
  const std::vector<std::pair<const char*, const char*>> expected{
      {"head_dim", "a whole number from 1 to 16384"},
      {"kv_heads", "a whole number from 0 to 16384"},
      {"kv_of_head", "a list of whole numbers below 2"},
      {"attention_scale", "a number above 0"},
      {"ffn_width", "a whole number from 0 to 4194304"},
      {"has_attention", "true or false"},
      {"has_ffn", "true or false"},
      {"original_layer", "a whole number from 0 to 10000"},
      {"original_shape", "an object"},
      {"original_heads", "a list of whole numbers below 4"}};
  for (const auto& [name, what] : expected) {
    const std::string message =
        std::string("config.json: field 'crescent.layers[0].") + name + "': expected " + what;
    EXPECT_EQ(refusal_of_layer([name = name](Json& l) { l.erase(name); }),
              message + ", found nothing");
    EXPECT_EQ(refusal_of_layer([name = name](Json& l) { l[name] = "x"; }), message + ", found 'x'");
  }
  EXPECT_EQ(refusal_of_layer([](Json& l) { l["window"] = 5; }),
            "config.json: field 'crescent.layers[0].window': expected no such key, found 5");
  EXPECT_EQ(refusal_of_layer([](Json& l) { l["original_shape"]["h\n"] = 5; }),
            "config.json: field 'crescent.layers[0].original_shape.h\\x0a': expected no such key, "
            "found 5");
  EXPECT_EQ(refusal_of_layer([](Json& l) { l["original_shape"].erase("heads"); }),
            "config.json: field 'crescent.layers[0].original_shape.heads': expected a whole number "
            "from 1 to 16384, found nothing");
}

TEST(CrescentLayer, MustHoldNumbersInRange) {
  const std::string layer = "config.json: field 'crescent.layers[0].";
  EXPECT_EQ(refusal_of_layer([](Json& l) {
              l["kv_of_head"] = {0, 1, 2};
            }),
            layer + "kv_of_head': expected a list of whole numbers below 2, found 2");
  EXPECT_EQ(refusal_of_layer([](Json& l) {
              l["kv_of_head"] = {0, -1, 1};
            }),
            layer + "kv_of_head': expected a list of whole numbers below 2, found -1");
  EXPECT_EQ(refusal_of_layer([](Json& l) {
              l["kv_of_head"] = {0, 1.0, 1};
            }),
            layer + "kv_of_head': expected a list of whole numbers below 2, found 1.0");
  EXPECT_EQ(refusal_of_layer([](Json& l) { l["kv_of_head"] = std::vector<int>(16385, 0); }),
            layer + "kv_of_head': expected a list of whole numbers below 2, found a list of 16385");
  EXPECT_EQ(refusal_of_layer([](Json& l) { l["kv_heads"] = 16385; }),
            layer + "kv_heads': expected a whole number from 0 to 16384, found 16385");
  EXPECT_EQ(refusal_of_layer([](Json& l) { l["ffn_width"] = UINT64_MAX; }),
            layer +
                "ffn_width': expected a whole number from 0 to 4194304, found "
                "18446744073709551615");
  EXPECT_EQ(refusal_of_layer([](Json& l) { l["attention_scale"] = 0; }),
            layer + "attention_scale': expected a number above 0, found 0");
  EXPECT_EQ(refusal_of_layer([](Json& l) {
              l["original_heads"] = {0, 2, 4};
            }),
            layer + "original_heads': expected a list of whole numbers below 4, found 4");
  EXPECT_EQ(
      refusal_of_layer([](Json& l) { l["head_dim"] = 5; }),
      layer + "head_dim': expected an even number, since rotary positions turn pairs, found 5");
}

TEST(CrescentLayer, MustBeAPartOfWhatItWas) {
  const std::string layer = "config.json: field 'crescent.layers[0].";
  EXPECT_EQ(refusal_of_layer([](Json& l) { l["head_dim"] = 6; }),
            layer + "head_dim': expected 4 as in 'original_shape', found 6");
  EXPECT_EQ(refusal_of_layer([](Json& l) { l["kv_heads"] = 3; }),
            layer + "kv_heads': expected at most the original 2, found 3");
  EXPECT_EQ(refusal_of_layer([](Json& l) { l["ffn_width"] = 13; }),
            layer + "ffn_width': expected at most the original 12, found 13");
  EXPECT_EQ(refusal_of_layer([](Json& l) {
              l["original_heads"] = {0, 2};
            }),
            layer + "original_heads': expected 3 numbers as in 'kv_of_head', found 2");
  EXPECT_EQ(refusal_of_layer([](Json& l) {
              l["original_heads"] = {0, 3, 2};
            }),
            layer + "original_heads': expected growing numbers, found 2 after 3");
  EXPECT_EQ(refusal_of_layer([](Json& l) {
              l["original_heads"] = {0, 2, 2};
            }),
            layer + "original_heads': expected growing numbers, found 2 after 2");
  EXPECT_EQ(refusal_of_layer([](Json& l) { l["original_shape"]["kv_heads"] = 3; }),
            layer + "original_shape.kv_heads': expected a divisor of 'heads', 4, found 3");
  EXPECT_EQ(refusal_of_layer([](Json& l) {
              l["head_dim"] = l["original_shape"]["head_dim"] = 16384;
              l["original_shape"]["heads"] = 16384;
              l["kv_of_head"] = std::vector<int>(65, 0);
              for (int i = 0; i < 65; ++i) l["original_heads"][static_cast<size_t>(i)] = i;
            }),
            layer +
                "head_dim': expected at most 1048576 as the product of heads and 'head_dim', "
                "found 1064960");
}

TEST(CrescentLayer, MustReadTheKeyValueHeadsThatItsHeadsRead) {
  const std::string layer = "config.json: field 'crescent.layers[0].";
  EXPECT_EQ(refusal_of_layer([](Json& l) {
              l["kv_of_head"] = {0, 0, 1};
            }),
            layer + "kv_of_head': expected 1 for original head 2, found 0");
  EXPECT_EQ(refusal_of_layer([](Json& l) {
              l["kv_of_head"] = {1, 0, 0};
            }),
            layer + "kv_of_head': expected 0 for original head 0, found 1");
  EXPECT_EQ(refusal_of_layer([](Json& l) {
              l["kv_of_head"] = {0, 0};
              l["original_heads"] = {2, 3};
            }),
            layer + "kv_heads': expected 1, as many as 'original_heads' read, found 2");
}

TEST(CrescentLayers, MustOnceHaveBeenAModelOfTheFamily) {
  EXPECT_EQ(
      refusal_of_layer([](Json& l) { l["original_shape"]["ffn_width"] = 13; }),
      "config.json: field 'crescent.layers': the original shapes are of no llama: config.json "
      "of family 'llama' can't say: layer 2: heads or neurons were removed");
  EXPECT_EQ(refusal_of(plain_json(),
                       [](Json& j) {
                         for (Json& l : j["crescent"]["layers"]) {
                           l["original_shape"]["heads"] = l["original_shape"]["kv_heads"] = 3;
                         }
                       }),
            "config.json: field 'crescent.layers': the original shapes are of no gpt2: config.json "
            "of family 'gpt2' can't say: heads that don't add up to n_embd");
}

TEST(CrescentLayers, MustNotHoldMoreHeadsThanAnyModel) {
  DecoderConfig config = small_llama();
  config.layers = whole_layers({.heads = 16384, .kv_heads = 16384, .head_dim = 2, .ffn_width = 1},
                               /*count=*/65);
  Json json{{"model_type", "crescent"}};
  json["crescent"] = {{"version", 1}, {"layers", Json::array()}};
  json["crescent"]["base"] = written(small_llama());
  json["crescent"]["base"]["num_hidden_layers"] = 65;
  for (size_t i = 0; i < config.layers.size(); ++i) {
    json["crescent"]["layers"].push_back(
        {{"head_dim", 2},
         {"kv_heads", 16384},
         {"kv_of_head", config.layers[i].kv_of_head},
         {"attention_scale", 1},
         {"ffn_width", 1},
         {"has_attention", true},
         {"has_ffn", true},
         {"original_layer", i},
         {"original_shape",
          {{"heads", 16384}, {"kv_heads", 16384}, {"head_dim", 2}, {"ffn_width", 1}}},
         {"original_heads", config.layers[i].origin.heads}});
  }
  EXPECT_EQ(message_of([&] { read_config(json, "config.json"); }),
            "config.json: field 'crescent.layers': expected at most 1048576 heads in all, found "
            "1064960");
}

TEST(ConfigJson, NamesAMissingOrStrangeModelType) {
  EXPECT_EQ(message_of([] { read_config(Json::object(), "config.json"); }),
            "config.json: field 'model_type': expected the name of a model family, found nothing");
  EXPECT_EQ(message_of([] {
              read_config({{"model_type", 5}}, "config.json");
            }),
            "config.json: field 'model_type': expected the name of a model family, found 5");
}

// Every value of a good file replaced by every kind of bad one: refused or read, nothing else.
TEST(ConfigJson, IsReadOrRefusedWhateverStandsInAnyPlace) {
  const std::vector<Json> bad{
      nullptr,        true,   -1,           0,        1.5, 1e308, UINT64_MAX, "x", Json::array(),
      Json::object(), {1, 2}, {{"x", "y"}}, INT64_MIN};
  size_t tried = 0;
  for (const Json& good : {own_json(), plain_json()}) {
    const Json flat = good.flatten();
    std::vector<Json::json_pointer> places{Json::json_pointer("/crescent"),
                                           Json::json_pointer("/crescent/layers"),
                                           Json::json_pointer("/crescent/layers/0"),
                                           Json::json_pointer("/crescent/layers/0/original_shape"),
                                           Json::json_pointer("/crescent/layers/0/kv_of_head")};
    for (const auto& [path, value] : flat.items()) places.emplace_back(path);
    for (const Json::json_pointer& place : places) {
      for (const Json& value : bad) {
        Json json = good;
        json[place] = value;
        EXPECT_NO_THROW(try { read_hf_config(json, "config.json"); } catch (const Error&){})
            << place.to_string() << " " << value;
        ++tried;
      }
    }
  }
  EXPECT_GT(tried, 500u);
}

}  // namespace
}  // namespace crescent
