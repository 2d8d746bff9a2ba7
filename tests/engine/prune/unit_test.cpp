#include "engine/prune/unit.h"

#include <gtest/gtest.h>

#include "engine/families/family.h"
#include "engine/model/accounting.h"
#include "engine/model/presets.h"
#include "tests/engine/formats/support.h"
#include "tests/engine/prune/small_config.h"

namespace crescent {
namespace {

using test::layout_of;
using test::small_gpt2;
using test::small_llama;

int64_t parameters_of(const DecoderConfig& config) { return parameters(layout_of(config)).total(); }

/// What really goes: the difference of two layouts.
int64_t parameters_lost(const DecoderConfig& config, const std::vector<Unit>& removed) {
  return parameters_of(config) -
         parameters_of(config_of_kept(config, kept_without(config, removed)));
}

DecoderConfig without(const DecoderConfig& config, const std::vector<Unit>& removed) {
  return config_of_kept(config, kept_without(config, removed));
}

TEST(UnitNames, AreThoseOfScripts) {
  EXPECT_STREQ(name_of(UnitKind::heads), "heads");
  EXPECT_STREQ(name_of(UnitKind::groups), "groups");
  EXPECT_STREQ(name_of(UnitKind::neurons), "neurons");
  EXPECT_STREQ(name_of(UnitKind::layers), "layers");
  EXPECT_STREQ(name_of(UnitKind::weights), "weights");
  EXPECT_STREQ(singular_of(UnitKind::heads), "head");
  EXPECT_STREQ(singular_of(UnitKind::weights), "weight");
}

TEST(Units, AreCountedByLayerAndInAll) {
  const DecoderConfig config = small_llama();  // 4 heads, 2 key/value heads, 12 neurons, 3 layers
  EXPECT_EQ(units_in(config, UnitKind::heads, 0), 4);
  EXPECT_EQ(units_in(config, UnitKind::groups, 1), 2);
  EXPECT_EQ(units_in(config, UnitKind::neurons, 2), 12);
  EXPECT_EQ(units_in(config, UnitKind::layers, 2), 1);
  EXPECT_EQ(units_in(config, UnitKind::heads), 12);
  EXPECT_EQ(units_in(config, UnitKind::groups), 6);
  EXPECT_EQ(units_in(config, UnitKind::neurons), 36);
  EXPECT_EQ(units_in(config, UnitKind::layers), 3);
}

TEST(Units, AreNoneWhereALayerHasNoSuchHalf) {
  DecoderConfig config = small_llama();
  config.layers[1].has_attention = false;
  config.layers[2].has_ffn = false;
  EXPECT_EQ(units_in(config, UnitKind::heads), 8);
  EXPECT_EQ(units_in(config, UnitKind::groups), 4);
  EXPECT_EQ(units_in(config, UnitKind::neurons), 24);
}

TEST(Gpt2Small, LosesExactlyTheParametersOfItsHeadsAndNeurons) {
  const DecoderConfig config = preset("gpt2").config();
  const int64_t D = config.d_model, d = config.layers[0].head_dim;
  ASSERT_EQ(D, 768);
  ASSERT_EQ(d, 64);
  std::vector<Unit> heads, neurons;
  for (int32_t layer = 0; layer < 12; ++layer) {
    for (int32_t head = layer % 2; head < 12; head += 2) {
      heads.push_back({UnitKind::heads, layer, head});
      EXPECT_EQ(parameters_lost(config, heads),
                static_cast<int64_t>(heads.size()) * (4 * D * d + 3 * d));
    }
    for (int32_t neuron = layer; neuron < 3072; neuron += 17) {
      neurons.push_back({UnitKind::neurons, layer, neuron});
    }
  }
  const auto lost_heads = static_cast<int64_t>(heads.size()),
             lost_neurons = static_cast<int64_t>(neurons.size());
  EXPECT_EQ(parameters_lost(config, neurons), lost_neurons * (2 * D + 1));
  std::vector<Unit> both = heads;
  both.insert(both.end(), neurons.begin(), neurons.end());
  EXPECT_EQ(parameters_lost(config, both),
            lost_heads * (4 * D * d + 3 * d) + lost_neurons * (2 * D + 1));
}

TEST(Gpt2Small, LosesAllHeadsOfEveryLayerButTheirOutputBiases) {
  const DecoderConfig config = preset("gpt2").config();
  std::vector<Unit> heads;
  for (int32_t layer = 0; layer < 12; ++layer) {
    for (int32_t head = 0; head < 12; ++head) heads.push_back({UnitKind::heads, layer, head});
  }
  const DecoderConfig after = without(config, heads);
  EXPECT_EQ(parameters(layout_of(after))[Part::attention], 12 * 768);
  EXPECT_EQ(after.layers[3].heads(), 0);
  EXPECT_EQ(after.layers[3].kv_heads, 0);
}

struct Shape {
  const char* name;
  DecoderConfig (*config)();
};
class Sizes : public testing::TestWithParam<Shape> {};

TEST_P(Sizes, AreWhatReallyGoesWithEveryUnit) {
  const DecoderConfig config = GetParam().config();
  const UnitSizes sizes(config, layout_of(config));
  for (const UnitKind kind :
       {UnitKind::heads, UnitKind::groups, UnitKind::neurons, UnitKind::layers}) {
    for (size_t layer = 0; layer < config.layers.size(); ++layer) {
      for (int32_t index = 0; index < units_in(config, kind, layer); ++index) {
        const Unit unit{kind, static_cast<int32_t>(layer), index};
        EXPECT_EQ(sizes.of(unit), parameters_lost(config, {unit}))
            << singular_of(kind) << " " << index << " of layer " << layer;
      }
    }
  }
}

DecoderConfig unequal_groups() {
  return without(small_llama(), {{UnitKind::heads, 0, 1}, {UnitKind::heads, 1, 2}});
}
DecoderConfig layers_that_lost_a_half() {
  std::vector<Unit> all{{UnitKind::groups, 0, 0}, {UnitKind::groups, 0, 1}};
  for (int32_t i = 0; i < 12; ++i) all.push_back({UnitKind::neurons, 1, i});
  return without(small_llama(), all);
}
DecoderConfig with_biases() {
  DecoderConfig config = small_llama();
  config.qkv_bias = config.attention_output_bias = config.ffn_bias = true;
  return config;
}

INSTANTIATE_TEST_SUITE_P(Shapes, Sizes,
                         testing::Values(Shape{"gpt2", small_gpt2}, Shape{"llama", small_llama},
                                         Shape{"unequal_groups", unequal_groups},
                                         Shape{"layers_that_lost_a_half", layers_that_lost_a_half},
                                         Shape{"with_biases", with_biases}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(UnitSizes, CountAKeyValueHeadWithItsLastReaderAlone) {
  const DecoderConfig config = small_llama();  // d_model 8, head_dim 4
  const UnitSizes whole(config, layout_of(config));
  EXPECT_EQ(whole.of_query_head(0), 2 * 8 * 4);
  EXPECT_EQ(whole.of_kv_head(0), 2 * 8 * 4);
  EXPECT_EQ(whole.of({UnitKind::heads, 0, 0}), 2 * 8 * 4) << "the other head reads on";
  EXPECT_EQ(whole.of({UnitKind::groups, 0, 0}), 3 * 2 * 8 * 4);
  const DecoderConfig less = without(config, {{UnitKind::heads, 0, 1}});
  const UnitSizes after(less, layout_of(less));
  EXPECT_EQ(after.of({UnitKind::heads, 0, 0}), 2 * 2 * 8 * 4) << "now it is the last one";
  EXPECT_EQ(after.of({UnitKind::heads, 0, 1}), 2 * 8 * 4);
}

TEST(Kept, IsAllWhereNothingWasRemoved) {
  const DecoderConfig config = small_llama();
  EXPECT_EQ(without(config, {}), config);
}

TEST(Kept, RenumbersWhatHeadsReadAndRemembersWhatTheyWere) {
  const DecoderConfig config = small_llama();
  const DecoderConfig after = without(
      config, {{UnitKind::heads, 0, 1}, {UnitKind::groups, 1, 0}, {UnitKind::layers, 2, 0}});
  ASSERT_EQ(after.layers.size(), 2u);
  EXPECT_EQ(after.layers[0].kv_of_head, (std::vector<int32_t>{0, 1, 1}));
  EXPECT_EQ(after.layers[0].kv_heads, 2);
  EXPECT_EQ(after.layers[0].origin.heads, (std::vector<int32_t>{0, 2, 3}));
  EXPECT_EQ(after.layers[1].kv_of_head, (std::vector<int32_t>{0, 0}));
  EXPECT_EQ(after.layers[1].kv_heads, 1);
  EXPECT_EQ(after.layers[1].origin.heads, (std::vector<int32_t>{2, 3}));
  EXPECT_EQ(after.layers[1].origin.shape.heads, 4);
}

TEST(Kept, RemembersTheFirstOriginThroughASecondRemoval) {
  const DecoderConfig once =
      without(small_llama(), {{UnitKind::layers, 0, 0}, {UnitKind::heads, 1, 0}});
  const DecoderConfig twice =
      without(once, {{UnitKind::heads, 0, 0}, {UnitKind::layers, 1, 0}, {UnitKind::neurons, 0, 3}});
  ASSERT_EQ(twice.layers.size(), 1u);
  EXPECT_EQ(twice.layers[0].origin.layer, 1);
  EXPECT_EQ(twice.layers[0].origin.heads, (std::vector<int32_t>{2, 3}));
  EXPECT_EQ(twice.layers[0].kv_of_head, (std::vector<int32_t>{0, 0}));
  EXPECT_EQ(twice.layers[0].ffn_width, 11);
  EXPECT_EQ(twice.layers[0].origin.shape.ffn_width, 12);
}

TEST(Kept, RefusesUnitsThatAreNotThereOrNamedTwice) {
  const DecoderConfig config = small_llama();
  const auto message = [&](std::vector<Unit> units) {
    return message_of([&] { kept_without(config, units); });
  };
  EXPECT_EQ(message({{UnitKind::heads, 3, 0}}), "there is no layer 4; the model has 3");
  EXPECT_EQ(message({{UnitKind::layers, -1, 0}}), "there is no layer 0; the model has 3");
  EXPECT_EQ(message({{UnitKind::heads, 1, 4}}), "there is no head 5 in layer 2; it has 4");
  EXPECT_EQ(message({{UnitKind::groups, 1, 2}}), "there is no group 3 in layer 2; it has 2");
  EXPECT_EQ(message({{UnitKind::neurons, 0, -1}}), "there is no neuron 0 in layer 1; it has 12");
  EXPECT_EQ(message({{UnitKind::weights, 0, 0}}), "single weights can't be listed; give a ratio");
  EXPECT_EQ(message({{UnitKind::heads, 1, 3}, {UnitKind::neurons, 1, 3}, {UnitKind::heads, 1, 3}}),
            "head 4 of layer 2 is named twice");
  EXPECT_EQ(message({{UnitKind::layers, 1, 0}, {UnitKind::layers, 1, 0}}),
            "layer 2 is named twice");
}

}  // namespace
}  // namespace crescent
