#include <cmath>

#include "tests/engine/families/family_test.h"

namespace crescent {
namespace {

class LlamaFamily : public FamilyTest {
 protected:
  LlamaFamily() : FamilyTest("llama") {}
};

TEST_F(LlamaFamily, ReadsEverySetting) {
  const DecoderConfig config = read(valid());
  EXPECT_EQ(config.family, "llama");
  EXPECT_EQ(config.vocab, 96);
  EXPECT_EQ(config.d_model, 32);
  EXPECT_EQ(config.positions_max, 64);
  EXPECT_EQ(config.norm, NormKind::rms_norm);
  EXPECT_EQ(config.norm_eps, 1e-5);
  EXPECT_EQ(config.positions, PositionKind::rotary);
  EXPECT_EQ(config.rotary, Rotary{});
  EXPECT_EQ(config.activation, Activation::silu);
  EXPECT_TRUE(config.gated_ffn);
  EXPECT_FALSE(config.qkv_bias || config.attention_output_bias || config.ffn_bias);
  EXPECT_FALSE(config.tied_head);
  ASSERT_EQ(config.layers.size(), 2u);
  EXPECT_EQ(config.layers[0].head_dim, 8);
  EXPECT_EQ(config.layers[0].kv_of_head, (std::vector<int32_t>{0, 0, 1, 1}));
  EXPECT_EQ(config.layers[0].kv_heads, 2);
  EXPECT_EQ(config.layers[0].ffn_width, 48);
  EXPECT_EQ(config.layers[0].attention_scale, 1 / std::sqrt(8.0));
}

TEST_F(LlamaFamily, ReadsAHeadDimThatHeadsDoNotAddUpTo) {
  const DecoderConfig config = read(valid("llama3_headdim"));
  EXPECT_EQ(config.layers[0].head_dim, 12);
  EXPECT_EQ(config.layers[0].kv_of_head, (std::vector<int32_t>{0, 0, 0, 0}));
  EXPECT_EQ(config.layers[0].attention_scale, 1 / std::sqrt(12.0));
  const Layout layout = family().layout(config);
  EXPECT_EQ(layout[2].name, "layers.0.self_attn.q_proj.weight");
  EXPECT_EQ(layout[2].shape, (std::vector<int64_t>{48, 32}));
}

TEST_F(LlamaFamily, ReadsRopeScalingInBothSpellings) {
  const Rotary linear{.theta = 10000, .scaling = Rotary::Scaling::linear, .factor = 2.5};
  EXPECT_EQ(read(valid("llama_tied_linear")).rotary, linear);
  EXPECT_EQ(read(valid("llama_tied_linear_oldcfg")).rotary, linear);
  const Rotary llama3{.theta = 10000,
                      .scaling = Rotary::Scaling::llama3,
                      .factor = 8,
                      .low_freq_factor = 1,
                      .high_freq_factor = 4,
                      .original_positions = 64};
  EXPECT_EQ(read(valid("llama3_headdim")).rotary, llama3);
  EXPECT_EQ(read(valid("llama3_headdim_oldcfg")).rotary, llama3);
}

TEST_F(LlamaFamily, ReadsTheRotaryBaseWhereverItStands) {
  Json config = valid();
  config["rope_parameters"] = {{"rope_theta", 500000.0}, {"rope_type", "default"}};
  EXPECT_EQ(read(config).rotary.theta, 500000.0);
  config.erase("rope_parameters");
  EXPECT_EQ(read(config).rotary.theta, 10000.0) << "the family's default";
  config["rope_theta"] = 70000;
  EXPECT_EQ(read(config).rotary.theta, 70000.0);
  config["rope_scaling"] = {{"type", "linear"}, {"factor", 2}};
  EXPECT_EQ(read(config).rotary.theta, 70000.0);
  config["rope_parameters"] = {{"rope_theta", 70000}, {"rope_type", "linear"}, {"factor", 2}};
  EXPECT_EQ(read(config).rotary.theta, 70000.0) << "both spellings, agreeing";
}

TEST_F(LlamaFamily, RefusesRotarySettingsThatContradictEachOther) {
  EXPECT_EQ(refusal_with("rope_theta", 20000.0),
            "config.json: field 'rope_theta': expected 10000 as in 'rope_parameters', found 20000");
  EXPECT_EQ(refusal_with("rope_scaling", {{"type", "linear"}, {"factor", 2}}),
            "config.json: field 'rope_scaling': expected the same as in 'rope_parameters', found "
            "something else");
  EXPECT_EQ(refusal_with("rope_parameters",
                         {{"type", "linear"}, {"rope_type", "default"}, {"factor", 2}}),
            "config.json: field 'rope_parameters.type': expected 'default' as in 'rope_type', "
            "found 'linear'");
}

TEST_F(LlamaFamily, RefusesOtherRopeTypesByName) {
  for (const char* type : {"yarn", "dynamic", "longrope"}) {
    EXPECT_EQ(refusal_with("rope_parameters", {{"rope_type", type}, {"factor", 4.0}}),
              fmt::format("config.json: field 'rope_parameters.rope_type': expected one of "
                          "default, linear, llama3, found '{}'",
                          type));
  }
  Json config = valid("llama_oldcfg");
  config["rope_scaling"] = {{"type", "dynamic"}, {"factor", 4.0}};
  EXPECT_EQ(message_of([&] { read(config); }),
            "config.json: field 'rope_scaling.type': expected one of default, linear, llama3, "
            "found 'dynamic'");
}

TEST_F(LlamaFamily, RefusesRopeKeysThatItsTypeDoesNotHave) {
  EXPECT_EQ(refusal_with("rope_parameters", {{"full_attention", {{"rope_type", "linear"}}}}),
            "config.json: field 'rope_parameters.full_attention': expected no such key with rope "
            "type 'default', found an object");
  EXPECT_EQ(
      refusal_with("rope_parameters", {{"rope_type", "linear"}, {"factor", 2}, {"beta_fast", 32}}),
      "config.json: field 'rope_parameters.beta_fast': expected no such key with rope type "
      "'linear', found 32");
}

TEST_F(LlamaFamily, RefusesIncompleteOrImpossibleScaling) {
  EXPECT_EQ(refusal_with("rope_parameters", "linear"),
            "config.json: field 'rope_parameters': expected an object, found 'linear'");
  EXPECT_EQ(refusal_with("rope_parameters", {{"rope_type", "linear"}}),
            "config.json: field 'rope_parameters.factor': expected a number above 0, found "
            "nothing");
  EXPECT_EQ(refusal_with("rope_parameters", {{"rope_type", "llama3"},
                                             {"factor", 8},
                                             {"low_freq_factor", 4},
                                             {"high_freq_factor", 4}}),
            "config.json: field 'rope_parameters.high_freq_factor': expected more than "
            "'low_freq_factor', 4, found 4");
}

TEST_F(LlamaFamily, TakesThePositionsForTheOriginalOnesIfTheyAreLeftOut) {
  Json config = valid("llama3_headdim");
  config["rope_parameters"].erase("original_max_position_embeddings");
  EXPECT_EQ(read(config).rotary.original_positions, 512);
}

TEST_F(LlamaFamily, RefusesToTurnAPartOfAHead) {
  const char* const message =
      "config.json: field '{}partial_rotary_factor': expected 1 (crescent turns whole heads in "
      "this family), found 0.5";
  EXPECT_EQ(refusal_with("partial_rotary_factor", 0.5), fmt::format(fmt::runtime(message), ""));
  EXPECT_EQ(refusal_with("rope_parameters", {{"partial_rotary_factor", 0.5}}),
            fmt::format(fmt::runtime(message), "rope_parameters."));
  EXPECT_EQ(refusal_with("partial_rotary_factor", 1.0), "no error");
}

TEST_F(LlamaFamily, DoesWhatTheFamilyAllows) {
  EXPECT_TRUE(read_with("attention_bias", true).qkv_bias);
  EXPECT_TRUE(read_with("attention_bias", true).attention_output_bias);
  EXPECT_TRUE(read_with("mlp_bias", true).ffn_bias);
  EXPECT_EQ(read_with("hidden_act", "gelu").activation, Activation::gelu);
  EXPECT_EQ(refusal_with("hidden_act", "quick_gelu"),
            "config.json: field 'hidden_act': expected one of relu, gelu, gelu_new, "
            "gelu_pytorch_tanh, silu, swish, found 'quick_gelu'");
  EXPECT_EQ(read_with("pretraining_tp", 4), read(valid()));
}

TEST_F(LlamaFamily, LeavesTheHeadUntiedUnlessTold) {
  Json config = valid("llama_tied_linear");
  EXPECT_TRUE(read(config).tied_head);
  config.erase("tie_word_embeddings");
  EXPECT_FALSE(read(config).tied_head);
}

TEST_F(LlamaFamily, GivesEveryHeadItsOwnKeysIfNothingElseIsSaid) {
  Json config = valid();
  config.erase("num_key_value_heads");
  EXPECT_EQ(read(config).layers[0].kv_of_head, (std::vector<int32_t>{0, 1, 2, 3}));
}

TEST_F(LlamaFamily, FillsNoSizeWithADefault) {
  for (const char* size : {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
                           "num_attention_heads", "max_position_embeddings"}) {
    Json config = valid();
    config.erase(size);
    EXPECT_NE(message_of([&] { read(config); }).find(fmt::format("field '{}': expected", size)),
              std::string::npos)
        << size;
  }
}

TEST_F(LlamaFamily, RefusesHeadsThatDoNotDivide) {
  EXPECT_EQ(refusal_with("num_key_value_heads", 3),
            "config.json: field 'num_key_value_heads': expected a divisor of "
            "'num_attention_heads', 4, found 3");
  Json config = valid();
  config.erase("head_dim");
  config["num_attention_heads"] = 6;
  EXPECT_EQ(message_of([&] { read(config); }),
            "config.json: field 'num_attention_heads': expected a divisor of 'hidden_size', 32 (or "
            "a 'head_dim'), found 6");
  EXPECT_EQ(refusal_with("head_dim", 7),
            "config.json: field 'head_dim': expected an even number, since rotary positions turn "
            "pairs, found 7");
}

TEST_F(LlamaFamily, RefusesHeadsBeyondItsBounds) {
  Json config = valid();
  config["head_dim"] = 16384;
  config["num_attention_heads"] = config["num_key_value_heads"] = 128;
  EXPECT_EQ(message_of([&] { read(config); }),
            "config.json: field 'head_dim': expected at most 1048576 as the product of "
            "'num_attention_heads' and 'head_dim', found 2097152");
  config["head_dim"] = 2;
  config["num_hidden_layers"] = 10000;
  EXPECT_EQ(message_of([&] { read(config); }),
            "config.json: field 'num_hidden_layers': expected at most 1048576 as the product of "
            "'num_hidden_layers' and 'num_attention_heads', found 1280000");
}

TEST_F(LlamaFamily, RefusesByNameWhatItDoesNotDo) {
  EXPECT_EQ(refusal_with("quantization_config", {{"quant_method", "awq"}}),
            "config.json: field 'quantization_config': expected nothing (crescent doesn't do "
            "this), found an object");
  EXPECT_EQ(refusal_with("add_cross_attention", true),
            "config.json: field 'add_cross_attention': expected false (crescent doesn't do this), "
            "found true");
}

TEST_F(LlamaFamily, ListsItsTensorsInForwardOrder) {
  Json config = valid();
  config["num_hidden_layers"] = 1;
  config["attention_bias"] = config["mlp_bias"] = true;
  std::string names;
  for (const TensorSpec& tensor : family().layout(read(config))) {
    EXPECT_FALSE(tensor.in_out);
    names += tensor.name + " ";
  }
  EXPECT_EQ(names,
            "embed_tokens.weight layers.0.input_layernorm.weight layers.0.self_attn.q_proj.weight "
            "layers.0.self_attn.q_proj.bias layers.0.self_attn.k_proj.weight "
            "layers.0.self_attn.k_proj.bias layers.0.self_attn.v_proj.weight "
            "layers.0.self_attn.v_proj.bias layers.0.self_attn.o_proj.weight "
            "layers.0.self_attn.o_proj.bias layers.0.post_attention_layernorm.weight "
            "layers.0.mlp.gate_proj.weight layers.0.mlp.gate_proj.bias "
            "layers.0.mlp.up_proj.weight layers.0.mlp.up_proj.bias layers.0.mlp.down_proj.weight "
            "layers.0.mlp.down_proj.bias norm.weight lm_head.weight ");
}

TEST_F(LlamaFamily, WritesWhatItReadsBackEqual) {
  for (const char* name : {"llama", "llama_tied_linear", "llama3_headdim", "llama_bf16_sharded"}) {
    const DecoderConfig config = read(valid(name));
    const Json written = parse_json(family().write(config).dump(), "written");
    EXPECT_EQ(read_hf_config(written, "written").config, config) << name;
  }
  for (const char* flag : {"attention_bias", "mlp_bias", "tie_word_embeddings"}) {
    const DecoderConfig config = read_with(flag, true);
    EXPECT_EQ(read(family().write(config)), config) << flag;
  }
}

TEST_F(LlamaFamily, WritesTheSpellingThatEveryVersionOfTransformersReads) {
  const Json scaled = family().write(read(valid("llama_tied_linear")));
  EXPECT_EQ(scaled["rope_theta"], 10000.0);
  EXPECT_EQ(scaled["rope_scaling"].dump(), R"({"factor":2.5,"type":"linear"})");
  EXPECT_EQ(family().write(read(valid("llama3_headdim")))["rope_scaling"].dump(),
            R"({"factor":8.0,"high_freq_factor":4.0,"low_freq_factor":1.0,)"
            R"("original_max_position_embeddings":64,"rope_type":"llama3"})");
  EXPECT_EQ(family().write(read(valid())).dump(),
            R"({"architectures":["LlamaForCausalLM"],"attention_bias":false,"head_dim":8,)"
            R"("hidden_act":"silu","hidden_size":32,"intermediate_size":48,)"
            R"("max_position_embeddings":64,"mlp_bias":false,"model_type":"llama",)"
            R"("num_attention_heads":4,"num_hidden_layers":2,"num_key_value_heads":2,)"
            R"("rms_norm_eps":1e-05,"rope_scaling":null,"rope_theta":10000.0,)"
            R"("tie_word_embeddings":false,"vocab_size":96})");
}

TEST_F(LlamaFamily, RefusesToWriteWhatHuggingFaceHasNoWordFor) {
  const std::string cannot = "config.json of family 'llama' can't say: ";
  EXPECT_EQ(refusal_to_write([](auto& c) {
              c.layers[1].kv_of_head = {0, 1, 1, 1};
            }),
            cannot + "layer 2: heads or neurons were removed");
  EXPECT_EQ(refusal_to_write([](auto& c) { c.layers[0].attention_scale = 1; }),
            cannot + "these attention scales");
  EXPECT_EQ(refusal_to_write([](auto& c) { c.qkv_bias = true; }),
            cannot + "biases on a part of the attention");
  EXPECT_EQ(refusal_to_write([](auto& c) { c.gated_ffn = false; }),
            cannot + "a feed-forward without a gate");
  EXPECT_EQ(refusal_to_write([](auto& c) { c.norm = NormKind::layer_norm; }),
            cannot + "another norm than rms_norm");
  EXPECT_EQ(refusal_to_write([](auto& c) { c.positions = PositionKind::learned; }),
            cannot + "other positions than rotary ones");
}

TEST_F(LlamaFamily, IgnoresOnlyWhatHoldsNothingLearned) {
  const DecoderConfig config = read(valid());
  EXPECT_TRUE(family().ignorable("layers.1.self_attn.rotary_emb.inv_freq", config));
  EXPECT_FALSE(family().ignorable("layers.2.self_attn.rotary_emb.inv_freq", config));
  EXPECT_FALSE(family().ignorable("lm_head.weight", config)) << "its head is not tied";
  EXPECT_TRUE(family().ignorable("lm_head.weight", read(valid("llama_tied_linear"))));
  EXPECT_FALSE(family().ignorable("layers.0.self_attn.q_proj.bias", config));
}

}  // namespace
}  // namespace crescent
