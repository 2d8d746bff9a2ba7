#include "engine/model/model.h"

#include "engine/families/family.h"
#include "tests/engine/exec/fixture.h"

namespace crescent::test {
namespace {

TEST(Model, FindsAWeightByItsNameWithAndWithoutPrefix) {
  const auto model = load("gpt2");
  const at::Tensor& weight = model->weight("h.1.attn.c_attn.weight");
  EXPECT_EQ(weight.sizes(), (at::IntArrayRef{32, 96}));
  EXPECT_TRUE(weight.is_same(model->weight("transformer.h.1.attn.c_attn.weight")));
}

TEST(Model, NamesTheNearestWeight) {
  const auto model = load("gpt2");
  EXPECT_EQ(message_of([&] { model->weight("h.1.attn.c_atn.weight"); }),
            "no weight is named 'h.1.attn.c_atn.weight' (did you mean 'h.1.attn.c_attn.weight'?); "
            "model:weights() lists all 28");
}

TEST(Model, RefusesALevelThatIsNotThere) {
  const auto model = load("gpt2");
  EXPECT_EQ(model->level(), 1);
  EXPECT_EQ(model->at_level(0)->level(), 0);
  EXPECT_EQ(model->at_level(2)->level(), 2);
  EXPECT_EQ(model->at_level(3)->level(), 3);
  for (const int level : {-1, 4}) {
    EXPECT_EQ(message_of([&] { model->at_level(level); }),
              fmt::format("level {} is not available: expected 0 (reference), 1 (fused), 2 "
                          "(compiled) or 3 (compiled with lossy storage)",
                          level));
  }
}

TEST(Model, SharesEverythingBetweenLevels) {
  const auto model = load("llama_bf16_sharded");
  const auto other = model->at_level(0);
  EXPECT_EQ(&model->stored(), &other->stored());
  EXPECT_EQ(&model->wide(), &other->wide());
}

TEST(Model, WidensOnceAndOnlyWhatIsNotFloat32) {
  const auto narrow = load("llama_bf16_sharded"), wide = load("gpt2");
  EXPECT_EQ(narrow->bytes_widened(), 0);
  EXPECT_EQ(narrow->dtype(), Dtype::bfloat16);
  EXPECT_EQ(narrow->bytes_stored(), narrow->parameters() * 2);
  const float* first = narrow->wide().at(Slot::token_embedding).data_ptr<float>();
  EXPECT_EQ(narrow->bytes_widened(), narrow->parameters() * 4);
  EXPECT_EQ(narrow->wide().at(Slot::token_embedding).data_ptr<float>(), first);

  EXPECT_EQ(wide->wide().at(Slot::token_embedding).data_ptr(),
            wide->stored().at(Slot::token_embedding).data_ptr());
  EXPECT_EQ(wide->bytes_widened(), 0);
  EXPECT_EQ(wide->bytes_stored(), wide->parameters() * 4);
}

TEST(Model, HasOneHashForEverySpellingOfACheckpoint) {
  EXPECT_EQ(load("gpt2")->hash(), load("gpt2_noprefix_oldcfg")->hash());
  EXPECT_EQ(load("gpt2")->hash(), load("gpt2_old_buffers")->hash());
  EXPECT_EQ(load("llama")->hash(), load("llama_oldcfg")->hash());
  EXPECT_EQ(load("llama3_headdim")->hash(), load("llama3_headdim_oldcfg")->hash());
  EXPECT_NE(load("gpt2")->hash(), load("llama")->hash());
}

TEST(Model, HasAHashThatStaysWhatItWas) {
  // Stored runs name their models by it.
  EXPECT_EQ(load("gpt2")->hash(), "4af1bbe9f3321b17");
  EXPECT_EQ(load("gpt2")->at_level(0)->hash(), "4af1bbe9f3321b17");
}

TEST(Model, HasAnotherHashForEveryChangeOfABitOrOfTheDescription) {
  const auto model = load("gpt2");
  std::vector<std::string> hashes{model->hash()};
  for (const TensorSpec& changed : model->layout()) {
    Weights weights(model->config().layers.size());
    for (const TensorSpec& spec : model->layout()) weights.set(spec, model->stored().at(spec));
    at::Tensor tensor = model->stored().at(changed).clone();
    auto* bytes = static_cast<unsigned char*>(tensor.data_ptr());
    bytes[tensor.nbytes() - 1] ^= 1;
    weights.set(changed, tensor);
    hashes.push_back(
        Model::make(model->family(), model->config(), model->layout(), weights, {})->hash());
  }
  DecoderConfig config = model->config();
  config.norm_eps *= 2;
  hashes.push_back(
      Model::make(model->family(), config, model->layout(), model->stored(), {})->hash());
  std::sort(hashes.begin(), hashes.end());
  EXPECT_EQ(std::unique(hashes.begin(), hashes.end()), hashes.end());
  for (const std::string& hash : hashes) EXPECT_EQ(hash.size(), 16u);
}

TEST(Model, RefusesWeightsThatDoNotFitItsLayout) {
  const auto model = load("gpt2");
  Weights weights(model->config().layers.size());
  const auto make = [&] {
    Model::make(model->family(), model->config(), model->layout(), weights, {});
  };
  EXPECT_EQ(message_of(make), "tensor 'wte.weight' is missing");
  weights.set(model->layout()[0], at::empty({96, 31}, at::kFloat));
  EXPECT_EQ(message_of(make), "tensor 'wte.weight': expected shape [96, 32], got [96, 31]");
}

TEST(Model, HasNoTokenizerWithoutAFolder) {
  const auto model = load("gpt2");
  const auto made = make_random(model->family(), model->config(), 1);
  EXPECT_EQ(message_of([&] { made->tokenizer(); }),
            "this model has no tokenizer: it does not come from a folder; crescent.tokenizer(DIR) "
            "reads one");
}

TEST(Model, ParsesItsTokenizerOnce) {
  const auto model = load("gpt2_text");
  EXPECT_EQ(model->tokenizer(), model->at_level(0)->tokenizer());
}

}  // namespace
}  // namespace crescent::test
