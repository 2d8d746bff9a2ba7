// Pruned models on disk: what was saved loads to the same model.
#include <set>

#include "engine/model/save.h"
#include "tests/engine/prune/support.h"

namespace crescent::test {
namespace {

nlohmann::json config_in(const fs::path& folder) {
  std::ifstream file(folder / "config.json");
  return nlohmann::json::parse(file);
}

/// Saves, loads and compares; the name of the type that was written.
std::string type_after_saving(const Model& model) {
  const TemporaryFolder folder;
  const fs::path target = folder.path() / "saved";
  save_model(model, target, {});
  const auto again = load_model(target, {.verify = true});
  EXPECT_EQ(again->config(), model.config());
  EXPECT_EQ(again->hash(), model.hash());
  EXPECT_EQ(again->source().end_of_text, model.source().end_of_text);
  EXPECT_EQ(again->parameters(), model.parameters());
  const at::Tensor ids = some_ids(2, 11, model.config().vocab);
  for (const int level : {0, 1, 2, 3}) {
    EXPECT_TRUE(
        same_bits(forward(*again->at_level(level), ids), forward(*model.at_level(level), ids)))
        << "level " << level;
  }
  return config_in(target).at("model_type");
}

TEST(SavedPrunedModel, IsPlainWhereAllLayersOfALlamaLostTheSame) {
  for (const char* name : {"llama", "llama_bf16_sharded", "llama_tied_linear"}) {
    const auto model = load(name);
    EXPECT_EQ(type_after_saving(*without(*model, {head(0, 1), head(0, 3), head(1, 0), head(1, 2)})),
              "llama")
        << name;
    EXPECT_EQ(type_after_saving(
                  *without(*model, {group(0, 0), group(1, 1), neuron(0, 5), neuron(1, 40)})),
              "llama")
        << name;
    EXPECT_EQ(type_after_saving(*without(*model, {layer(0)})), "llama") << name;
  }
}

TEST(SavedPrunedModel, IsPlainWhereAGpt2LostALayerOrNeuronsOfAll) {
  const auto model = load("gpt2");
  EXPECT_EQ(type_after_saving(*without(*model, {layer(0)})), "gpt2");
  EXPECT_EQ(type_after_saving(*without(*model, {neuron(0, 0), neuron(1, 99)})), "gpt2");
}

TEST(SavedPrunedModel, IsOfOurOwnTypeWhereTheFamilyHasNoWords) {
  const auto gpt2 = load("gpt2"), llama = load("llama"), one_kv = load("llama3_headdim");
  EXPECT_EQ(type_after_saving(*without(*gpt2, {head(0, 1), head(1, 1)})), "crescent");
  EXPECT_EQ(type_after_saving(*without(*gpt2, all_heads(*gpt2, 0))), "crescent");
  EXPECT_EQ(type_after_saving(*without(*gpt2, all_neurons(*gpt2, 1))), "crescent");
  EXPECT_EQ(type_after_saving(*without(*llama, {head(0, 1), neuron(1, 3)})), "crescent");
  EXPECT_EQ(type_after_saving(*without(*llama, both(all_heads(*llama, 1), all_neurons(*llama, 1)))),
            "crescent");
  EXPECT_EQ(type_after_saving(*without(*one_kv, {head(0, 1), head(1, 1), head(1, 2)})), "crescent");
}

TEST(SavedPrunedModel, CanBePrunedAndSavedAgain) {
  for (const char* name : {"gpt2", "llama"}) {
    const TemporaryFolder folder;
    const auto model = load(name);
    save_model(*without(*model, {head(0, 1), neuron(1, 2)}), folder.path() / "once", {});
    const auto once = load_model(folder.path() / "once", {});
    const auto twice = without(*once, {head(0, 0), layer(1)});
    EXPECT_EQ(twice->config(), without(*model, {head(0, 1), head(0, 0), layer(1)})->config());
    EXPECT_EQ(type_after_saving(*twice), name == std::string("gpt2") ? "crescent" : "llama");
    EXPECT_EQ(type_after_saving(*without(*twice, {neuron(0, 0), head(0, 1)})),
              name == std::string("gpt2") ? "crescent" : "llama");
  }
}

TEST(SavedPrunedModel, IsPlainAndOfFullSizeWherePadded) {
  for (const char* name : {"gpt2", "llama", "llama3_headdim", "llama_bf16_sharded"}) {
    const auto model = load(name);
    const auto less = without(
        *model, both(all_heads(*model, 1), {head(0, 2), neuron(0, 3), neuron(1, 4), neuron(1, 5)}));
    const auto whole = padded(*less);
    EXPECT_EQ(whole->config(), model->config()) << name;
    EXPECT_EQ(whole->parameters(), model->parameters()) << name;
    const TemporaryFolder folder;
    save_model(*whole, folder.path() / "saved", {});
    const nlohmann::json json = config_in(folder.path() / "saved");
    EXPECT_EQ(json.at("model_type"), model->family().model_type()) << name;
    EXPECT_FALSE(json.contains("crescent")) << name;
    const auto again = load_model(folder.path() / "saved", {});
    const at::Tensor ids = some_ids(1, 10, model->config().vocab);
    EXPECT_LE(relative_difference(forward(*again, ids), forward(*less, ids)), 1e-5) << name;
  }
}

TEST(SavedPrunedModel, OfAPaddedModelThatLostALayerIsPlainForOthers) {
  const auto whole = padded(*without(*load("gpt2"), {layer(0), head(1, 1)}));
  EXPECT_EQ(type_after_saving(*whole), "gpt2");
}

TEST(SavedPrunedModel, TakesTheTokenizerAlong) {
  const TemporaryFolder folder;
  const auto model = load("gpt2_text");
  save_model(*without(*model, {head(0, 1), neuron(1, 2)}), folder.path() / "saved", {});
  const auto again = load_model(folder.path() / "saved", {});
  const std::string text = "In the beginning was the word.";
  EXPECT_EQ(again->tokenizer()->encode(text, {}), model->tokenizer()->encode(text, {}));
}

TEST(SavedPrunedModel, IsSmallerByWhatWasRemoved) {
  const TemporaryFolder folder;
  const auto model = load("gpt2");
  const auto size = [&](const Model& saved, const char* name) {
    save_model(saved, folder.path() / name, {});
    return static_cast<int64_t>(fs::file_size(folder.path() / name / "model.safetensors"));
  };
  const auto less = without(*model, {head(0, 1), head(1, 1), neuron(0, 2)});
  const int64_t lost = 2 * (4 * 32 * 8 + 3 * 8) + 2 * 32 + 1;
  EXPECT_EQ(model->parameters() - less->parameters(), lost);
  EXPECT_NEAR(static_cast<double>(size(*model, "before") - size(*less, "after")),
              static_cast<double>(4 * lost), 64)  // the header's numbers may need other digits
      << "what the file lost";
}

TEST(SavedPrunedModel, IsRefusedByNameIfItsConfigLies) {
  const TemporaryFolder folder;
  const fs::path saved = folder.path() / "saved";
  save_model(*without(*load("gpt2"), {head(0, 1)}), saved, {});
  nlohmann::json json = config_in(saved);
  json["crescent"]["layers"][0]["ffn_width"] = 100;
  std::ofstream(saved / "config.json") << json;
  EXPECT_EQ(message_of([&] { load_model(saved, {}); }),
            (saved / "model.safetensors").string() +
                ": tensor 'transformer.h.0.mlp.c_fc.weight': expected shape [32, 100], as "
                "config.json says, found [32, 128]");
}

}  // namespace
}  // namespace crescent::test
