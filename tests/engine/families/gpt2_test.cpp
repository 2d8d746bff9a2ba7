#include <cmath>

#include "tests/engine/families/family_test.h"

namespace crescent {
namespace {

class Gpt2Family : public FamilyTest {
 protected:
  Gpt2Family() : FamilyTest("gpt2") {}
};

TEST_F(Gpt2Family, ReadsEverySetting) {
  const DecoderConfig config = read(valid());
  EXPECT_EQ(config.family, "gpt2");
  EXPECT_EQ(config.vocab, 96);
  EXPECT_EQ(config.d_model, 32);
  EXPECT_EQ(config.positions_max, 48);
  EXPECT_EQ(config.norm, NormKind::layer_norm);
  EXPECT_EQ(config.norm_eps, 1e-5);
  EXPECT_EQ(config.positions, PositionKind::learned);
  EXPECT_EQ(config.activation, Activation::gelu_tanh);
  EXPECT_FALSE(config.gated_ffn);
  EXPECT_TRUE(config.qkv_bias && config.attention_output_bias && config.ffn_bias);
  EXPECT_TRUE(config.tied_head);
  ASSERT_EQ(config.layers.size(), 2u);
  const LayerSpec& layer = config.layers[1];
  EXPECT_EQ(layer.head_dim, 8);
  EXPECT_EQ(layer.kv_of_head, (std::vector<int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(layer.kv_heads, 4);
  EXPECT_EQ(layer.ffn_width, 128);
  EXPECT_EQ(layer.attention_scale, 1 / std::sqrt(8.0));
  EXPECT_EQ(layer.origin.heads, (std::vector<int32_t>{0, 1, 2, 3}));
}

TEST_F(Gpt2Family, DoesWhatTheFamilyAllows) {
  EXPECT_EQ(read_with("n_inner", 40).layers[0].ffn_width, 40);
  EXPECT_EQ(read_with("scale_attn_weights", false).layers[1].attention_scale, 1.0);
  EXPECT_EQ(read_with("scale_attn_by_inverse_layer_idx", true).layers[0].attention_scale,
            1 / std::sqrt(8.0));
  EXPECT_EQ(read_with("scale_attn_by_inverse_layer_idx", true).layers[1].attention_scale,
            1 / std::sqrt(8.0) / 2);
  EXPECT_FALSE(read_with("tie_word_embeddings", false).tied_head);
  EXPECT_EQ(read_with("reorder_and_upcast_attn", true), read(valid()));
  EXPECT_EQ(read_with("layer_norm_epsilon", 1e-3).norm_eps, 1e-3);
}

TEST_F(Gpt2Family, KnowsActivationsByAllTheirNames) {
  const std::pair<const char*, Activation> names[] = {
      {"relu", Activation::relu},          {"gelu", Activation::gelu},
      {"gelu_new", Activation::gelu_tanh}, {"gelu_pytorch_tanh", Activation::gelu_tanh},
      {"silu", Activation::silu},          {"swish", Activation::silu},
  };
  for (const auto& [name, activation] : names) {
    EXPECT_EQ(read_with("activation_function", name).activation, activation) << name;
  }
  EXPECT_EQ(refusal_with("activation_function", "quick_gelu"),
            "config.json: field 'activation_function': expected one of relu, gelu, gelu_new, "
            "gelu_pytorch_tanh, silu, swish, found 'quick_gelu'");
}

TEST_F(Gpt2Family, TiesTheHeadUnlessTold) {
  Json config = valid();
  config.erase("tie_word_embeddings");
  EXPECT_TRUE(read(config).tied_head);
}

TEST_F(Gpt2Family, ReadsSizesByTheNamesThatTransformersAlsoTakes) {
  Json config = valid();
  for (const auto& [old_name, name] :
       {std::pair("n_embd", "hidden_size"), std::pair("n_layer", "num_hidden_layers"),
        std::pair("n_head", "num_attention_heads"),
        std::pair("n_positions", "max_position_embeddings")}) {
    config[name] = config[old_name];
    config.erase(old_name);
  }
  EXPECT_EQ(read(config), read(valid()));
  config["n_head"] = 8;
  EXPECT_EQ(message_of([&] { read(config); }),
            "config.json: field 'num_attention_heads': expected 8 as in 'n_head', found 4");
}

TEST_F(Gpt2Family, FallsBackToTheOldNameOfPositions) {
  Json config = valid();
  config.erase("n_positions");
  config["n_ctx"] = 48;
  EXPECT_EQ(read(config), read(valid()));
  config.erase("n_ctx");
  EXPECT_EQ(message_of([&] { read(config); }),
            "config.json: field 'n_positions': expected a whole number from 1 to 67108864, found "
            "nothing");
}

TEST_F(Gpt2Family, FillsNoSizeWithADefault) {
  for (const char* size : {"vocab_size", "n_embd", "n_layer", "n_head", "n_positions"}) {
    Json config = valid();
    config.erase(size);
    EXPECT_NE(message_of([&] { read(config); }).find(fmt::format("field '{}': expected", size)),
              std::string::npos)
        << size;
  }
}

TEST_F(Gpt2Family, RefusesSizesOutOfBounds) {
  EXPECT_EQ(refusal_with("n_layer", 0),
            "config.json: field 'n_layer': expected a whole number from 1 to 10000, found 0");
  EXPECT_EQ(refusal_with("n_layer", -1),
            "config.json: field 'n_layer': expected a whole number from 1 to 10000, found -1");
  EXPECT_EQ(refusal_with("n_layer", 2.0),
            "config.json: field 'n_layer': expected a whole number from 1 to 10000, found 2.0");
  EXPECT_EQ(refusal_with("n_layer", "2"),
            "config.json: field 'n_layer': expected a whole number from 1 to 10000, found '2'");
  EXPECT_EQ(refusal_with("vocab_size", uint64_t{1} << 63),
            "config.json: field 'vocab_size': expected a whole number from 1 to 2147483647, found "
            "9223372036854775808");
  EXPECT_EQ(refusal_with("n_inner", 0),
            "config.json: field 'n_inner': expected a whole number from 1 to 4194304, found 0");
  Json config = valid();
  config["n_embd"] = config["n_head"] = 16384;
  config["n_layer"] = 10000;
  EXPECT_EQ(message_of([&] { read(config); }),
            "config.json: field 'n_layer': expected at most 1048576 as the product of 'n_layer' "
            "and 'n_head', found 163840000");
}

TEST_F(Gpt2Family, RefusesSettingsOfTheWrongKind) {
  EXPECT_EQ(refusal_with("layer_norm_epsilon", 0),
            "config.json: field 'layer_norm_epsilon': expected a number above 0, found 0");
  EXPECT_EQ(refusal_with("layer_norm_epsilon", "1e-5"),
            "config.json: field 'layer_norm_epsilon': expected a number above 0, found '1e-5'");
  EXPECT_EQ(refusal_with("scale_attn_weights", 1),
            "config.json: field 'scale_attn_weights': expected true or false, found 1");
  EXPECT_EQ(refusal_with("activation_function", 1),
            "config.json: field 'activation_function': expected a string, found 1");
}

TEST_F(Gpt2Family, RefusesByNameWhatItDoesNotDo) {
  EXPECT_EQ(refusal_with("add_cross_attention", true),
            "config.json: field 'add_cross_attention': expected false (crescent doesn't do this), "
            "found true");
  EXPECT_EQ(refusal_with("is_encoder_decoder", true),
            "config.json: field 'is_encoder_decoder': expected false (crescent doesn't do this), "
            "found true");
  EXPECT_EQ(refusal_with("pruned_heads", {{"0", {1}}}),
            "config.json: field 'pruned_heads': expected nothing (crescent doesn't do this), found "
            "an object");
  EXPECT_EQ(refusal_with("pruned_heads", Json::object()), "no error");
  EXPECT_EQ(refusal_with("quantization_config", {{"quant_method", "gptq"}}),
            "config.json: field 'quantization_config': expected nothing (crescent doesn't do "
            "this), found an object");
}

TEST_F(Gpt2Family, ListsItsTensorsInForwardOrder) {
  Json config = valid();
  config["n_layer"] = 1;
  config["tie_word_embeddings"] = false;
  std::string names;
  for (const TensorSpec& tensor : family().layout(read(config))) {
    names += tensor.name + (tensor.in_out ? "* " : " ");
  }
  EXPECT_EQ(names,
            "wte.weight wpe.weight h.0.ln_1.weight h.0.ln_1.bias h.0.attn.c_attn.weight* "
            "h.0.attn.c_attn.bias h.0.attn.c_proj.weight* h.0.attn.c_proj.bias h.0.ln_2.weight "
            "h.0.ln_2.bias h.0.mlp.c_fc.weight* h.0.mlp.c_fc.bias h.0.mlp.c_proj.weight* "
            "h.0.mlp.c_proj.bias ln_f.weight ln_f.bias lm_head.weight ");
}

TEST_F(Gpt2Family, LaysOutLayersThatLostHeadsNeuronsOrAHalf) {
  DecoderConfig config = read(valid());
  config.layers[0].kv_of_head = {0, 1};
  config.layers[0].kv_heads = 2;
  config.layers[0].ffn_width = 5;
  config.layers[1].has_attention = false;
  const Layout layout = family().layout(config);
  const auto shape_of = [&](std::string_view name) {
    for (const TensorSpec& tensor : layout) {
      if (tensor.name == name) return tensor.shape;
    }
    return std::vector<int64_t>{-1};
  };
  EXPECT_EQ(shape_of("h.0.attn.c_attn.weight"), (std::vector<int64_t>{32, 48}));
  EXPECT_EQ(shape_of("h.0.attn.c_attn.bias"), (std::vector<int64_t>{48}));
  EXPECT_EQ(shape_of("h.0.attn.c_proj.weight"), (std::vector<int64_t>{16, 32}));
  EXPECT_EQ(shape_of("h.0.mlp.c_fc.weight"), (std::vector<int64_t>{32, 5}));
  EXPECT_EQ(shape_of("h.1.ln_1.weight"), (std::vector<int64_t>{-1}));
  EXPECT_EQ(shape_of("h.1.attn.c_attn.weight"), (std::vector<int64_t>{-1}));
  EXPECT_EQ(shape_of("h.1.mlp.c_fc.weight"), (std::vector<int64_t>{32, 128}));
}

TEST_F(Gpt2Family, WritesWhatItReadsBackEqual) {
  for (const auto& [key, value] : std::vector<std::pair<const char*, Json>>{
           {"n_inner", nullptr},
           {"n_inner", 40},
           {"scale_attn_weights", false},
           {"scale_attn_by_inverse_layer_idx", true},
           {"tie_word_embeddings", false},
           {"activation_function", "relu"},
           {"activation_function", "silu"},
           {"activation_function", "gelu"},
           {"layer_norm_epsilon", 3e-7},
       }) {
    const DecoderConfig config = read_with(key, value);
    const Json written = parse_json(family().write(config).dump(), "written");
    EXPECT_EQ(read_hf_config(written, "written").config, config) << key << " " << value;
  }
}

TEST_F(Gpt2Family, WritesTheKeysOfTransformers) {
  EXPECT_EQ(family().write(read(valid())).dump(),
            R"({"activation_function":"gelu_new","architectures":["GPT2LMHeadModel"],)"
            R"("layer_norm_epsilon":1e-05,"model_type":"gpt2","n_ctx":48,"n_embd":32,"n_head":4,)"
            R"("n_inner":128,"n_layer":2,"n_positions":48,)"
            R"("scale_attn_by_inverse_layer_idx":false,"scale_attn_weights":true,)"
            R"("tie_word_embeddings":true,"vocab_size":96})");
}

TEST_F(Gpt2Family, RefusesToWriteWhatHuggingFaceHasNoWordFor) {
  const std::string cannot = "config.json of family 'gpt2' can't say: ";
  EXPECT_EQ(refusal_to_write([](auto& c) { c.layers[1].ffn_width = 5; }),
            cannot + "layer 2: heads or neurons were removed");
  EXPECT_EQ(refusal_to_write([](auto& c) { c.layers[0].kv_of_head.clear(); }),
            cannot + "layer 1: heads or neurons were removed");
  EXPECT_EQ(refusal_to_write([](auto& c) { c.layers[1].has_ffn = false; }),
            cannot + "layer 2: heads or neurons were removed");
  EXPECT_EQ(refusal_to_write([](auto& c) { c.layers.clear(); }), cannot + "a model without layers");
  EXPECT_EQ(refusal_to_write([](auto& c) { c.layers[1].attention_scale = 0.7; }),
            cannot + "these attention scales");
  EXPECT_EQ(refusal_to_write([](auto& c) { c.norm = NormKind::rms_norm; }),
            cannot + "another norm than layer_norm");
  EXPECT_EQ(refusal_to_write([](auto& c) { c.positions = PositionKind::rotary; }),
            cannot + "other positions than learned ones");
  EXPECT_EQ(refusal_to_write([](auto& c) { c.gated_ffn = true; }), cannot + "a gated feed-forward");
  EXPECT_EQ(refusal_to_write([](auto& c) { c.qkv_bias = false; }), cannot + "missing biases");
  EXPECT_EQ(refusal_to_write([](auto& c) {
              c.layers.assign(
                  2, whole_layer({.heads = 4, .kv_heads = 2, .head_dim = 8, .ffn_width = 9}));
            }),
            cannot + "shared key/value heads");
  EXPECT_EQ(refusal_to_write([](auto& c) {
              c.layers.assign(
                  2, whole_layer({.heads = 4, .kv_heads = 4, .head_dim = 6, .ffn_width = 9}));
            }),
            cannot + "heads that don't add up to n_embd");
}

TEST_F(Gpt2Family, IgnoresOnlyWhatHoldsNothingLearned) {
  DecoderConfig config = read(valid());
  EXPECT_TRUE(family().ignorable("h.1.attn.bias", config));
  EXPECT_TRUE(family().ignorable("h.0.attn.masked_bias", config));
  EXPECT_TRUE(family().ignorable("lm_head.weight", config));
  for (const char* name : {"h.2.attn.bias", "h.attn.bias", "h.-1.attn.bias", "h.0.attn.c_attn.bias",
                           "h.0.attn.bias.x", "score.weight", "h.99999999999999999999.attn.bias"}) {
    EXPECT_FALSE(family().ignorable(name, config)) << name;
  }
  config.tied_head = false;
  EXPECT_FALSE(family().ignorable("lm_head.weight", config));
}

}  // namespace
}  // namespace crescent
