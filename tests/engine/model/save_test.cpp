#include "engine/model/save.h"

#include "engine/families/family.h"
#include "tests/engine/exec/fixture.h"

namespace crescent::test {
namespace {

class Save : public testing::TestWithParam<std::string> {
 protected:
  TemporaryFolder folder_;
};

TEST_P(Save, WritesAFolderThatLoadsToTheSameFunctionBitForBit) {
  const auto model = load(GetParam());
  const fs::path target = folder_.path() / "saved";
  save_model(*model, target, {});
  const auto again = load_model(target, {.verify = true});
  EXPECT_EQ(again->hash(), model->hash());
  EXPECT_EQ(again->source().end_of_text, model->source().end_of_text);
  EXPECT_EQ(again->source().prefix, model->family().prefixes().front());
  EXPECT_EQ(again->bytes_misaligned(), 0);
  const at::Tensor ids = some_ids(2, 13, model->config().vocab);
  EXPECT_TRUE(same_bits(forward(*again, ids), forward(*model, ids)));
}

TEST_P(Save, TakesTokenizerAndGenerationFilesAlong) {
  const fs::path from = model_folder(GetParam()), target = folder_.path() / "saved";
  save_model(*load(GetParam()), target, {});
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt",
                           "generation_config.json"}) {
    EXPECT_EQ(fs::exists(target / name), fs::exists(from / name)) << name;
  }
  EXPECT_FALSE(fs::exists(target / "expected.json"));
}

TEST_P(Save, ConvertsToANarrowerDtype) {
  const auto model = load(GetParam());
  for (const Dtype dtype : {Dtype::bfloat16, Dtype::float16, Dtype::float32}) {
    const fs::path target = folder_.path() / std::string(name_of(dtype));
    save_model(*model, target, {.dtype = dtype});
    const auto narrow = load_model(target, {}),
               converted = load_model(model_folder(GetParam()), {.dtype = dtype});
    EXPECT_EQ(narrow->dtype(), dtype);
    EXPECT_EQ(narrow->hash(), converted->hash());
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Save, testing::ValuesIn(model_names()),
                         [](const auto& info) { return info.param; });

TEST(SaveFolder, IsRefusedWhereSomethingIs) {
  const TemporaryFolder folder;
  const auto model = load("gpt2");
  save_model(*model, folder.path() / "a", {});
  const fs::path taken = folder.path() / "a", file = folder.path() / "a" / "config.json";
  EXPECT_EQ(message_of([&] { save_model(*model, taken, {}); }),
            "save: '" + taken.string() + "' exists and is not empty; name a new folder");
  EXPECT_EQ(message_of([&] { save_model(*model, file, {}); }),
            "save: '" + file.string() + "' exists and is not a folder");
  EXPECT_EQ(message_of([&] { save_model(*model, folder.path() / "b", {.dtype = Dtype::int8}); }),
            "save: dtype: expected 'float32', 'float16' or 'bfloat16', got 'int8'");
}

TEST(SaveFolder, MayExistEmptyAndLeavesNothingBeside) {
  const TemporaryFolder folder;
  fs::create_directory(folder.path() / "a");
  save_model(*load("gpt2"), folder.path() / "a" / "", {});
  EXPECT_TRUE(fs::exists(folder.path() / "a" / "model.safetensors"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(SaveFolder, IsNotLeftHalfDone) {
  const TemporaryFolder folder;
  const fs::path blocked = folder.path() / "file";
  std::ofstream(blocked) << "not a folder";
  const fs::path target = blocked / "model";
  EXPECT_EQ(message_of([&] { save_model(*load("gpt2"), target, {}); }),
            "save: cannot write '" + target.string() + "': Not a directory");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(SaveFolder, TakesTheParentsThatItMadeAwayAgain) {
  const TemporaryFolder folder;
  fs::create_directory(folder.path() / "there");
  const auto model = load("gpt2");
  std::string message;
  {
    const FileSizeLimit limit(10);
    message = message_of([&] { save_model(*model, folder.path() / "there/a/b/c", {}); });
  }
  EXPECT_TRUE(message.ends_with("config.json: writing failed: File too large; nothing was changed"))
      << message;
  EXPECT_TRUE(fs::is_empty(folder.path() / "there"));
  save_model(*model, folder.path() / "there/a/b/c", {});
  EXPECT_TRUE(fs::exists(folder.path() / "there/a/b/c/config.json"));
}

TEST(SaveFolder, IsRefusedForWhatNoConfigCanExpress) {
  const TemporaryFolder folder;
  DecoderConfig config = load("gpt2")->config();
  config.layers[1].ffn_width = config.layers[1].origin.shape.ffn_width = 7;
  const auto model = make_random(family_of("gpt2", "test"), config, 1);
  EXPECT_EQ(message_of([&] { save_model(*model, folder.path() / "a", {}); }),
            "config.json of family 'gpt2' can't say: layer 2: heads or neurons were removed");
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace crescent::test
