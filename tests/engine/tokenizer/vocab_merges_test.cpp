#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/engine/formats/support.h"
#include "tests/engine/tokenizer/small_tokenizer.h"

namespace crescent {
namespace {

using Ids = std::vector<int32_t>;
using nlohmann::json;

/// The small tokenizer as a folder of files; <end> and <pad> belong to the vocabulary.
class VocabMerges : public testing::Test {
 protected:
  VocabMerges() {
    vocab_ = small_tokenizer()["model"]["vocab"];
    vocab_["<end>"] = kEndId;
    vocab_["<pad>"] = kEndId + 1;
    write("vocab.json", vocab_);
    folder_.write("merges.txt", "#version: 0.2\nh e\nl l\r\nhe ll\n\n");
  }
  void write(std::string_view name, const json& value) { folder_.write(name, value.dump()); }
  std::shared_ptr<const Tokenizer> load() const { return load_tokenizer(folder_.path()); }
  std::string refusal() const {
    return message_of([&] { load(); });
  }

  TemporaryFolder folder_;
  json vocab_;
};

TEST_F(VocabMerges, AreEnough) {
  EXPECT_EQ(load()->encode("hello<end>", {}), (Ids{258, 'o', '<', 'e', 'n', 'd', '>'}));
  vocab_["<|endoftext|>"] = kEndId + 2;
  write("vocab.json", vocab_);
  EXPECT_EQ(load()->encode("a<|endoftext|>", {}), (Ids{'a', kEndId + 2}));
  EXPECT_EQ(load()->decode(Ids{'a', kEndId + 2}, {.skip_special = true}), "a");
}

TEST_F(VocabMerges, TakeSpecialTokensFromTheConfiguration) {
  write("tokenizer_config.json", {{"tokenizer_class", "GPT2Tokenizer"},
                                  {"eos_token", "<end>"},
                                  {"pad_token", {{"content", "<pad>"}}},
                                  {"bos_token", nullptr}});
  EXPECT_EQ(load()->encode("<end><pad>", {}), (Ids{kEndId, kEndId + 1}));
  EXPECT_EQ(load()->decode(Ids{kEndId, 'a', kEndId + 1}, {.skip_special = true}), "a");
}

TEST_F(VocabMerges, TakeSpecialTokensFromTheirMap) {
  write("special_tokens_map.json",
        {{"bos_token", "<end>"}, {"additional_special_tokens", {"<pad>", "<new>"}}});
  write("added_tokens.json", {{"<new>", kEndId + 2}, {"<more>", kEndId + 3}});
  const Ids ids = load()->encode("<end><pad><new><more>", {});
  EXPECT_EQ(ids, (Ids{kEndId, kEndId + 1, kEndId + 2, kEndId + 3}));
  EXPECT_EQ(load()->decode(ids, {.skip_special = true}), "<more>");
}

TEST_F(VocabMerges, TakeAddedTokensFromTheConfiguration) {
  const json strips = {{"content", "<new>"}, {"special", true}, {"lstrip", true}};
  write("tokenizer_config.json", {{"added_tokens_decoder", {{"261", strips}}}});
  EXPECT_EQ(load()->encode("a <new>", {}), (Ids{'a', 261}));
  EXPECT_EQ(load()->decode(Ids{261}, {.skip_special = true}), "");
}

TEST_F(VocabMerges, HonourAPrefixSpaceAndABeginning) {
  write("tokenizer_config.json",
        {{"add_prefix_space", true}, {"add_bos_token", true}, {"bos_token", "<end>"}});
  EXPECT_EQ(load()->encode("a", {.special = true}), (Ids{kEndId, ' ', 'a'}));
  EXPECT_EQ(load()->encode("a", {}), (Ids{' ', 'a'}));
}

TEST_F(VocabMerges, GiveWayToTokenizerJson) {
  write("tokenizer.json", small_tokenizer());
  EXPECT_EQ(load()->size(), 260);
}

TEST_F(VocabMerges, AreRefusedWithFileAndFault) {
  folder_.write("merges.txt", "#version: 0.2\nh e\nhello\n");
  EXPECT_EQ(refusal(), folder_ / "merges.txt" + ": line 3: expected 'left right', found 'hello'");
  folder_.write("merges.txt", "h e\nhe lo\n");
  EXPECT_EQ(refusal(), folder_ / "merges.txt" +
                           ": merge 2 joins 'he' and 'lo', but 'lo' is not in the vocabulary");
  write("vocab.json", json::array());
  EXPECT_EQ(refusal(), folder_ / "vocab.json" + ": expected an object, found a list of 0");
}

TEST_F(VocabMerges, OfAnotherClassAreRefused) {
  write("tokenizer_config.json", {{"tokenizer_class", "CLIPTokenizer"}});
  EXPECT_EQ(refusal(), folder_ / "tokenizer_config.json" +
                           ": tokenizer_class: expected GPT2Tokenizer, whose files vocab.json and "
                           "merges.txt are, found 'CLIPTokenizer'");
}

TEST_F(VocabMerges, WithSpecialTokensOfNoIdAreRefused) {
  write("tokenizer_config.json", {{"pad_token", "<none>"}});
  EXPECT_EQ(refusal(), folder_ / "tokenizer_config.json" +
                           ": pad_token: expected a token of the vocabulary, found '<none>'");
  write("tokenizer_config.json", {{"pad_token", ""}});
  EXPECT_EQ(refusal(), folder_ / "tokenizer_config.json" +
                           ": pad_token: expected a token that is not empty, found ''");
  write("tokenizer_config.json", {{"add_bos_token", true}});
  EXPECT_EQ(refusal(), folder_ / "tokenizer_config.json" +
                           ": bos_token: expected a token of the vocabulary, found nothing");
  write("tokenizer_config.json", {{"added_tokens_decoder", {{"26x", {{"content", "a"}}}}}});
  EXPECT_EQ(refusal(), folder_ / "tokenizer_config.json" +
                           ": added_tokens_decoder: expected ids of 0 .. 2147483647 as keys, not "
                           "'26x', found an object");
}

TEST(LoadTokenizer, SaysWhatItLookedFor) {
  const TemporaryFolder folder;
  EXPECT_EQ(message_of([&] { load_tokenizer(folder.path()); }),
            folder.path().string() +
                ": no tokenizer here: looked for tokenizer.json, and for "
                "vocab.json with merges.txt");
  folder.write("tokenizer.model", "");
  EXPECT_EQ(message_of([&] { load_tokenizer(folder.path()); }),
            folder / "tokenizer.model" +
                ": tokenizer of kind SentencePiece: crescent reads byte-level "
                "BPE with GPT-2's pattern and no normalizer");
}

}  // namespace
}  // namespace crescent
