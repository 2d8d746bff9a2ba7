#include <nlohmann/json.hpp>

#include "engine/formats/safetensors.h"
#include "engine/formats/shard_index.h"
#include "tests/engine/formats/support.h"

namespace crescent {
namespace {

constexpr const char* kIndex = "model.safetensors.index.json";

void write_shard(const TemporaryFolder& folder, std::string_view name,
                 const std::vector<std::string>& tensors) {
  nlohmann::json header = nlohmann::json::object();
  for (size_t i = 0; i < tensors.size(); ++i) {
    header[tensors[i]] = {{"dtype", "U8"}, {"shape", {1}}, {"data_offsets", {i, i + 1}}};
  }
  folder.write(name, safetensors_bytes(header.dump(), tensors.size()));
}

void write_index(const TemporaryFolder& folder, const nlohmann::json& weight_map) {
  folder.write(kIndex, nlohmann::json{{"weight_map", weight_map}}.dump());
}

std::string refusal(const TemporaryFolder& folder) {
  return message_of([&] { Checkpoint::open(folder.path()); });
}

TEST(Checkpoint, FindsTensorsInTheirShards) {
  const auto checkpoint = Checkpoint::open(fixture("models/llama_bf16_sharded"));
  EXPECT_EQ(checkpoint.files().size(), 3u);
  EXPECT_EQ(checkpoint.tensors().size(), 21u);
  EXPECT_EQ(checkpoint.bytes(), 55616u);  // the index's total_size
  const auto* head = checkpoint.find("lm_head.weight");
  ASSERT_NE(head, nullptr);
  EXPECT_EQ(head->entry->dtype, Dtype::bfloat16);
  EXPECT_EQ(head->file->path().filename(), "model-00003-of-00003.safetensors");
  EXPECT_EQ(checkpoint.find("lm_head"), nullptr);
}

TEST(Checkpoint, NeverOpensOtherSafetensorsFilesOfTheFolder) {
  const auto checkpoint = Checkpoint::open(fixture("models/gpt2"));  // expected.safetensors beside
  EXPECT_EQ(checkpoint.files().size(), 1u);
  EXPECT_EQ(checkpoint.find("p0.logits"), nullptr);
}

TEST(Checkpoint, TellsAFolderWithPickledWeightsToConvert) {
  TemporaryFolder folder;
  folder.write("pytorch_model.bin", "");
  const std::string name = folder.path().string();
  EXPECT_EQ(refusal(folder),
            name +
                ": expected model.safetensors (or model.safetensors.index.json and its shards), "
                "found only pytorch_model.bin; crescent reads safetensors alone, convert once "
                "with transformers: AutoModelForCausalLM.from_pretrained('" +
                name + "').save_pretrained('" + name + "', safe_serialization=True)");
}

TEST(Checkpoint, NamesWhatItFoundInsteadOfWeights) {
  TemporaryFolder folder;
  const std::string expected = folder.path().string() +
                               ": expected model.safetensors (or model.safetensors.index.json and "
                               "its shards), found ";
  EXPECT_EQ(refusal(folder), expected + "no weights");
  folder.write("weights.safetensors", "");
  EXPECT_EQ(refusal(folder),
            expected + "neither, but weights.safetensors; rename it if it is the whole model");
}

TEST(Checkpoint, RefusesAnIndexWhoseShardIsMissing) {
  TemporaryFolder folder;
  write_shard(folder, "a.safetensors", {"x"});
  write_index(folder, {{"x", "a.safetensors"}, {"y", "b.safetensors"}});
  EXPECT_EQ(refusal(folder), (folder / kIndex) +
                                 ": expected shard b.safetensors beside it, found no such file "
                                 "(tried " +
                                 (folder / "b.safetensors") + ")");
}

TEST(Checkpoint, RefusesATensorThatItsShardLacks) {
  TemporaryFolder folder;
  write_shard(folder, "a.safetensors", {"x"});
  write_index(folder, {{"x", "a.safetensors"}, {"y", "a.safetensors"}});
  EXPECT_EQ(refusal(folder), (folder / "a.safetensors") +
                                 ": tensor 'y': expected here, as model.safetensors.index.json "
                                 "says, found no such tensor");
}

TEST(Checkpoint, RefusesATensorInTwoShards) {
  TemporaryFolder folder;
  write_shard(folder, "a.safetensors", {"x"});
  write_shard(folder, "b.safetensors", {"x", "y"});
  write_index(folder, {{"x", "a.safetensors"}, {"y", "b.safetensors"}});
  EXPECT_EQ(refusal(folder), (folder / "b.safetensors") +
                                 ": tensor 'x': expected in a.safetensors, as "
                                 "model.safetensors.index.json says, found here");
}

TEST(Checkpoint, RefusesATensorThatTheIndexDoesNotList) {
  TemporaryFolder folder;
  write_shard(folder, "a.safetensors", {"x", "y"});
  write_index(folder, {{"x", "a.safetensors"}});
  EXPECT_EQ(refusal(folder), (folder / "a.safetensors") +
                                 ": tensor 'y': expected in no shard, as "
                                 "model.safetensors.index.json doesn't list it, found here");
}

TEST(ShardIndex, RefusesShardsThatPointOutOfTheFolder) {
  for (const char* shard : {"../a.safetensors", "/etc/a.safetensors", "..", ".", "b/a.safetensors",
                            "a\\b.safetensors", "", "a.bin", ".safetensors", "C:a.safetensors"}) {
    EXPECT_EQ(message_of([&] {
                read_shard_index({{"weight_map", {{"x", shard}}}}, "i.json");
              }),
              fmt::format("i.json: tensor 'x': expected the name of a .safetensors file in this "
                          "folder, found '{}'",
                          shard));
  }
  const std::string with_zero("a\0.safetensors", 14);
  EXPECT_EQ(message_of([&] {
              read_shard_index({{"weight_map", {{"x", with_zero}}}}, "i.json");
            }),
            "i.json: tensor 'x': expected the name of a .safetensors file in this folder, found "
            "'a\\x00.safetensors'");
}

TEST(ShardIndex, RefusesAnIndexWithoutAMap) {
  const auto refusal_of = [](const nlohmann::json& index) {
    return message_of([&] { read_shard_index(index, "i.json"); });
  };
  EXPECT_EQ(refusal_of({1, 2}), "i.json: expected an object, found a list of 2");
  const std::string expected =
      "i.json: field 'weight_map': expected an object that names each tensor's shard, found ";
  EXPECT_EQ(refusal_of(nlohmann::json::object()), expected + "nothing");
  EXPECT_EQ(refusal_of({{"weight_map", 3}}), expected + "3");
  EXPECT_EQ(refusal_of({{"weight_map", nlohmann::json::object()}}), expected + "an empty one");
  EXPECT_EQ(refusal_of({{"weight_map", {{"x", 3}}}}),
            "i.json: tensor 'x': expected the name of a .safetensors file in this folder, found 3");
}

}  // namespace
}  // namespace crescent
