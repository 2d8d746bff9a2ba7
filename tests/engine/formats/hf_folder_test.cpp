#include "engine/formats/hf_folder.h"

#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/engine/formats/support.h"

namespace crescent {
namespace {

namespace fs = std::filesystem;

std::string refusal(const fs::path& folder) {
  return message_of([&] { open_hf_folder(folder); });
}

// ---- the malformed fixtures, each a valid folder with one thing broken
// ---------------------------

struct Malformed {
  const char* folder;
  const char* message;  ///< after the folder's path and a slash
};

constexpr Malformed kMalformed[] = {
    {"cfg_heads_do_not_divide",
     "config.json: field 'n_head': expected a divisor of 'n_embd', 8, found 5"},
    {"cfg_missing_key",
     "config.json: field 'n_embd': expected a whole number from 1 to 262144, found nothing"},
    {"cfg_unknown_model_type",
     "config.json: field 'model_type': expected one of gpt2, llama, found 'gpt_banana'"},
    {"st_header_length_beyond_file",
     "model.safetensors: expected a safetensors file, whose first 8 bytes give the length of its "
     "header; here they give 10000000, and 5735 bytes follow"},
    {"st_header_not_json",
     "model.safetensors: header: not valid JSON at line 1, column 1553: invalid literal; last "
     "read: "
     "'4320]}, o'; expected string literal"},
    {"st_missing_tensor",
     "model.safetensors: tensor 'transformer.h.0.mlp.c_fc.weight': expected shape [8, 32], as "
     "config.json says, found no such tensor"},
    {"st_offset_beyond_end",
     "model.safetensors: tensor 'transformer.wte.weight': expected data_offsets within the file's "
     "4304 bytes of data, found [3808, 4320]"},
    {"st_overlapping_offsets",
     "model.safetensors: tensor 'transformer.h.0.attn.c_attn.weight': expected data_offsets from "
     "96 on, where 'transformer.h.0.attn.c_attn.bias' ends, found 0: the two overlap"},
    {"st_size_mismatch",
     "model.safetensors: tensor 'transformer.h.0.attn.c_attn.bias': expected 100 bytes for F32 "
     "[25], found 96 (data_offsets [0, 96])"},
    {"st_truncated_header",
     "model.safetensors: expected a safetensors file, whose first 8 bytes give the length of its "
     "header; here they give 1416, and 708 bytes follow"},
    {"st_unknown_dtype",
     "model.safetensors: tensor 'transformer.h.0.attn.c_attn.bias': expected dtype to be one of "
     "F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL, found 'F31'"},
    {"st_wrong_shape",
     "model.safetensors: tensor 'transformer.h.0.mlp.c_fc.weight': expected shape [8, 32], as "
     "config.json says, found [32, 8]"},
    {"st_zero_bytes",
     "model.safetensors: expected a safetensors file, whose first 8 bytes give the length of its "
     "header; here are only 0"},
};

TEST(MalformedFolder, IsRefusedWithFilePlaceExpectedAndFound) {
  for (const auto& [name, message] : kMalformed) {
    const std::string folder = fixture("malformed/") + name;
    EXPECT_EQ(refusal(folder), folder + "/" + message);
  }
}

TEST(MalformedFolder, LackingAShardIsRefusedWithThePathTried) {
  const std::string folder = fixture("malformed/idx_missing_shard");
  EXPECT_EQ(refusal(folder),
            folder +
                "/model.safetensors.index.json: expected shard "
                "model-00002-of-00002.safetensors beside it, found no such file (tried " +
                folder + "/model-00002-of-00002.safetensors)");
}

TEST(MalformedFolder, LoadsWhereOnlyNumbersOrTheTokenizerAreBroken) {
  for (const char* name : {"_valid_control", "st_nan_weights", "tok_merge_of_unknown_token"}) {
    EXPECT_EQ(refusal(fixture("malformed/") + name), "no error") << name;
  }
}

TEST(MalformedFolder, HasNoFixtureThatTheseTestsForgot) {
  size_t folders = 0;
  for (const auto& entry : fs::directory_iterator(fixture("malformed"))) {
    folders += entry.is_directory();
  }
  EXPECT_EQ(folders, std::size(kMalformed) + 4);  // idx_missing_shard and the three that load
}

// ---- good folders
// --------------------------------------------------------------------------------

TEST(HfFolder, OpensEveryModelAndPlacesEveryTensor) {
  size_t opened = 0;
  for (const auto& entry : fs::directory_iterator(fixture("models"))) {
    const HfFolder folder = open_hf_folder(entry.path());
    const auto expected = read_json(entry.path() / "expected.json");
    EXPECT_EQ(folder.family->model_type(), expected["model_type"]) << entry.path();
    EXPECT_EQ(folder.config.layers.size(), expected["layers"]) << entry.path();
    ASSERT_EQ(folder.stored.size(), folder.layout.size()) << entry.path();
    for (size_t i = 0; i < folder.layout.size(); ++i) {
      const TensorEntry& stored = *folder.stored[i].entry;
      EXPECT_EQ(stored.name, stored_name(folder.layout[i], folder.prefix));
      EXPECT_EQ(stored.shape, folder.layout[i].shape);
      EXPECT_EQ(name_of(stored.dtype), expected["stored_dtype"]);
    }
    ++opened;
  }
  EXPECT_EQ(opened, 12u);
}

TEST(HfFolder, FindsThePrefixThatTheFileUses) {
  EXPECT_EQ(open_hf_folder(fixture("models/gpt2")).prefix, "transformer.");
  EXPECT_EQ(open_hf_folder(fixture("models/gpt2_noprefix_oldcfg")).prefix, "");
  EXPECT_EQ(open_hf_folder(fixture("models/gpt2_old_buffers")).prefix, "");
  EXPECT_EQ(open_hf_folder(fixture("models/llama")).prefix, "model.");
}

TEST(HfFolder, DescribesBothSpellingsOfAModelAlike) {
  const auto config_of = [](const char* name) {
    return open_hf_folder(fixture("models/") + name).config;
  };
  EXPECT_EQ(config_of("gpt2"), config_of("gpt2_noprefix_oldcfg"));
  EXPECT_EQ(config_of("gpt2"), config_of("gpt2_old_buffers"));
  EXPECT_EQ(config_of("llama"), config_of("llama_oldcfg"));
  EXPECT_EQ(config_of("llama_tied_linear"), config_of("llama_tied_linear_oldcfg"));
  EXPECT_EQ(config_of("llama3_headdim"), config_of("llama3_headdim_oldcfg"));
  EXPECT_FALSE(config_of("llama") == config_of("llama_tied_linear"));
}

// ---- folders that are no model
// -------------------------------------------------------------------

TEST(HfFolder, SaysWhereItLookedAndThatNothingIsDownloaded) {
  TemporaryFolder folder;
  const std::string none = folder / "none";
  EXPECT_EQ(refusal(none), none + ": expected a folder, found none (tried " + none +
                               "); crescent downloads nothing: give the path of a folder with "
                               "config.json and model.safetensors");
}

TEST(HfFolder, TellsThatANameIsAPreset) {
  const std::string tried = (fs::current_path() / "gpt2").string();
  EXPECT_EQ(refusal("gpt2"),
            "gpt2: expected a folder, found none (tried " + tried +
                "); 'gpt2' is a preset: crescent.preset('gpt2') makes its shape with random "
                "weights; crescent downloads nothing");
}

TEST(HfFolder, RefusesAFileInPlaceOfAFolder) {
  const std::string file = fixture("models/gpt2/model.safetensors");
  EXPECT_EQ(refusal(file),
            file + ": expected a folder with config.json and model.safetensors, found a file");
}

TEST(HfFolder, RefusesAFolderWithoutConfig) {
  TemporaryFolder folder;
  folder.write("model.safetensors", "");
  EXPECT_EQ(refusal(folder.path()), folder.path().string() +
                                        ": expected config.json, found no such file (tried " +
                                        (folder / "config.json") + ")");
}

// ---- config.json and tensors that disagree
// -------------------------------------------------------

/// A copy of the valid control's files whose config.json and tensors a test may change.
class AlteredFolder {
 public:
  explicit AlteredFolder(const std::string& fixture_name) {
    const std::string source = fixture(fixture_name);
    config = read_json(source + "/config.json");
    file_ = SafetensorsFile::open(source + "/model.safetensors");
    for (const TensorEntry& entry : file_->entries()) {
      tensors.push_back({entry.name, entry.dtype, entry.shape, file_->data(entry)});
    }
  }
  void write() const {
    folder.write("config.json", config.dump());
    write_safetensors(folder / "model.safetensors", tensors);
  }
  std::string refused() const {
    write();
    return refusal(folder.path());
  }
  TensorToWrite& tensor(std::string_view name) {
    return *std::find_if(tensors.begin(), tensors.end(),
                         [&](const auto& t) { return t.name == name; });
  }

  TemporaryFolder folder;
  nlohmann::json config;
  std::vector<TensorToWrite> tensors;

 private:
  std::shared_ptr<const SafetensorsFile> file_;
};

TEST(HfFolder, RefusesTensorsThatTheDescriptionHasNoPlaceFor) {
  AlteredFolder altered("malformed/_valid_control");
  const std::string bytes(32, '\0');
  altered.tensors.push_back({"transformer.h.1.ln_1.weight", Dtype::float32, {8}, as_bytes(bytes)});
  EXPECT_EQ(altered.refused(),
            (altered.folder / "model.safetensors") +
                ": tensor 'transformer.h.1.ln_1.weight': expected no such tensor in a gpt2 with 1 "
                "layers, found one of shape [8]");
}

TEST(HfFolder, IgnoresMasksOnlyOfLayersThatExist) {
  AlteredFolder altered("malformed/_valid_control");
  const std::string bytes(256, '\0');
  altered.tensors.push_back(
      {"transformer.h.0.attn.bias", Dtype::float32, {1, 1, 8, 8}, as_bytes(bytes)});
  EXPECT_EQ(altered.refused(), "no error");
  altered.tensors.back().name = "transformer.h.1.attn.bias";
  EXPECT_NE(altered.refused(), "no error");
}

TEST(HfFolder, RefusesIntegersAsWeights) {
  AlteredFolder altered("malformed/_valid_control");
  altered.tensor("transformer.ln_f.bias").dtype = Dtype::int32;
  EXPECT_EQ(altered.refused(),
            (altered.folder / "model.safetensors") +
                ": tensor 'transformer.ln_f.bias': expected dtype F32, F16 or BF16, found I32");
}

TEST(HfFolder, NamesTheSettingThatAMissingHeadMayNeed) {
  AlteredFolder altered("malformed/_valid_control");
  altered.config["tie_word_embeddings"] = false;
  EXPECT_EQ(altered.refused(),
            (altered.folder / "model.safetensors") +
                ": tensor 'lm_head.weight': expected shape [16, 8], as config.json says, found no "
                "such tensor; a tied head needs \"tie_word_embeddings\": true in config.json");
}

TEST(HfFolder, AcceptsAStoredHeadBesideATiedEmbeddingIfItFits) {
  AlteredFolder altered("malformed/_valid_control");
  const TensorToWrite embedding = altered.tensor("transformer.wte.weight");
  altered.tensors.push_back({"lm_head.weight", Dtype::float32, {16, 8}, embedding.data});
  EXPECT_EQ(altered.refused(), "no error");
  altered.tensors.back().shape = {8, 16};
  EXPECT_EQ(altered.refused(), (altered.folder / "model.safetensors") +
                                   ": tensor 'lm_head.weight': expected shape [16, 8], as "
                                   "config.json says, found [8, 16]");
}

TEST(HfFolder, LoadsAnUntiedGpt2) {
  AlteredFolder altered("malformed/_valid_control");
  const TensorToWrite embedding = altered.tensor("transformer.wte.weight");
  altered.tensors.push_back({"lm_head.weight", Dtype::float32, {16, 8}, embedding.data});
  altered.config["tie_word_embeddings"] = false;
  altered.write();
  const HfFolder folder = open_hf_folder(altered.folder.path());
  EXPECT_EQ(folder.layout.back().slot, Slot::head_weight);
  EXPECT_EQ(folder.stored.back().entry->name, "lm_head.weight");
}

// ---- where a text ends
// ---------------------------------------------------------------------------

TEST(HfFolder, TakesTheEndOfTextFromGenerationConfigThenFromConfig) {
  AlteredFolder altered("malformed/_valid_control");
  altered.config["eos_token_id"] = 5;
  altered.write();
  const auto end_of_text = [&] { return open_hf_folder(altered.folder.path()).end_of_text; };
  EXPECT_EQ(end_of_text(), std::vector<int32_t>{5});
  altered.folder.write("generation_config.json", R"({"eos_token_id": null})");
  EXPECT_EQ(end_of_text(), std::vector<int32_t>{5});
  altered.folder.write("generation_config.json", R"({"eos_token_id": [7, 9]})");
  EXPECT_EQ(end_of_text(), (std::vector<int32_t>{7, 9}));
  altered.folder.write("generation_config.json", R"({"eos_token_id": "x"})");
  EXPECT_EQ(message_of(end_of_text), (altered.folder / "generation_config.json") +
                                         ": field 'eos_token_id': expected a token id or a list "
                                         "of them, found 'x'");
  altered.folder.write("generation_config.json", "[]");
  EXPECT_EQ(message_of(end_of_text), (altered.folder / "generation_config.json") +
                                         ": expected an object, found a list of 0");
}

TEST(HfConfig, MayHaveNoEndOfText) {
  auto config = read_json(fixture("models/gpt2/config.json"));
  config.erase("eos_token_id");
  EXPECT_TRUE(read_hf_config(config, "config.json").end_of_text.empty());
}

TEST(HfConfig, NeedsAModelType) {
  const auto refused = [](const nlohmann::json& config) {
    return message_of([&] { read_hf_config(config, "config.json"); });
  };
  EXPECT_EQ(refused({1}), "config.json: expected an object, found a list of 1");
  const std::string expected =
      "config.json: field 'model_type': expected the name of a model family, found ";
  EXPECT_EQ(refused(nlohmann::json::object()), expected + "nothing");
  EXPECT_EQ(refused({{"model_type", 2}}), expected + "2");
  EXPECT_EQ(refused({{"model_type", "gpt-2"}}),
            "config.json: field 'model_type': expected one of gpt2, llama, found 'gpt-2' (did you "
            "mean 'gpt2'?)");
}

/// Gives up root's right to open everything, for as long as it lives.
class WithoutPrivileges {
 public:
  WithoutPrivileges() : before_(::geteuid()) {
    if (before_ == 0) dropped_ = ::seteuid(kNobody) == 0;
  }
  ~WithoutPrivileges() {
    if (dropped_ && ::seteuid(before_) != 0) std::abort();
  }
  WithoutPrivileges(const WithoutPrivileges&) = delete;
  WithoutPrivileges& operator=(const WithoutPrivileges&) = delete;
  bool achieved() const { return before_ != 0 || dropped_; }

 private:
  static constexpr uid_t kNobody = 65534;
  uid_t before_;
  bool dropped_ = false;
};

TEST(HfFolder, ThatMayNotBeReadSaysSo) {
  const TemporaryFolder folder;
  folder.write("config.json", "{}");
  std::filesystem::permissions(folder.path(), std::filesystem::perms::none);
  std::string message;
  {
    const WithoutPrivileges nobody;
    if (!nobody.achieved()) GTEST_SKIP() << "root opens every folder, and can't become another";
    message = refusal(folder.path());
  }
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
  EXPECT_EQ(message,
            folder / "config.json" + ": expected a file that can be read: Permission denied");
}

}  // namespace
}  // namespace crescent
