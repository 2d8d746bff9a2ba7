#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/formats/hf_folder.h"
#include "tests/engine/formats/support.h"
#include "tests/engine/tokenizer/small_tokenizer.h"

namespace crescent {
namespace {

using Ids = std::vector<int32_t>;
using nlohmann::json;

/// What loading says of the small tokenizer after a JSON patch (RFC 6902) of one step.
std::string refusal(const char* operation, const char* path, const json& value = nullptr) {
  const json patch = {{{"op", operation}, {"path", path}, {"value", value}}};
  return message_of([&] { parsed(small_tokenizer().patch(patch)); });
}

std::string refusal_of(std::string_view text) {
  return message_of([&] { parse_tokenizer_json(text, "t.json"); });
}

TEST(TokenizerJson, OfTheSmallKindLoads) {
  const auto tokenizer = parsed(small_tokenizer());
  EXPECT_EQ(tokenizer->size(), 260);
  EXPECT_EQ(tokenizer->kind(), "byte-level BPE");
  EXPECT_EQ(tokenizer->encode("hello<end>", {}), (Ids{258, 'o', kEndId}));
  EXPECT_EQ(tokenizer->id_of("hell"), 258);
  EXPECT_EQ(tokenizer->id_of("<end>"), kEndId);
  EXPECT_EQ(tokenizer->id_of("help"), std::nullopt);
}

TEST(TokenizerJson, OfAnotherKindIsRefusedByTheKindsName) {
  const std::string reads =
      ": crescent reads byte-level BPE with GPT-2's pattern and no normalizer";
  const std::string kind = "t.json: tokenizer of kind ";
  EXPECT_EQ(refusal("add", "/model/type", "Unigram"), kind + "Unigram" + reads);
  EXPECT_EQ(refusal("add", "/model/type", "a\nb"), kind + "'a\\x0ab'" + reads);
  EXPECT_EQ(refusal("add", "/model/byte_fallback", true),
            kind + "byte-level BPE with byte fallback" + reads);
  EXPECT_EQ(refusal("add", "/model/end_of_word_suffix", "</w>"),
            kind + "byte-level BPE with end_of_word_suffix '</w>'" + reads);
  EXPECT_EQ(refusal("add", "/normalizer", {{"type", "NFC"}}),
            kind + "byte-level BPE with normalizer NFC" + reads);
  EXPECT_EQ(refusal("add", "/pre_tokenizer", nullptr), kind + "BPE with no pre-tokenizer" + reads);
  EXPECT_EQ(refusal("add", "/pre_tokenizer", {{"type", "Metaspace"}}),
            kind + "BPE with pre-tokenizer Metaspace" + reads);
  EXPECT_EQ(refusal("add", "/pre_tokenizer/use_regex", false),
            kind + "byte-level BPE with pre-tokenizer ByteLevel without a pattern" + reads);
  const json split = {{"type", "Split"}, {"pattern", {{"Regex", "\\d"}}}};
  const json sequence = {{"type", "Sequence"},
                         {"pretokenizers", {split, small_tokenizer()["pre_tokenizer"]}}};
  EXPECT_EQ(refusal("add", "/pre_tokenizer", sequence),
            kind + "byte-level BPE with pre-tokenizer Split '\\d' + ByteLevel" + reads);
  EXPECT_EQ(refusal("add", "/decoder", {{"type", "WordPiece"}}),
            kind + "byte-level BPE with decoder WordPiece" + reads);
}

TEST(TokenizerJson, SaysWhichIdsAreWrong) {
  EXPECT_EQ(refusal("add", "/model/vocab/he", 2147483648u),
            "t.json: token 'he' has id 2147483648, but 260 tokens must have the ids 0 .. 259");
  EXPECT_EQ(
      refusal("add", "/model/vocab/he", 18446744073709551615u),
      "t.json: token 'he' has id 9223372036854775807, but 260 tokens must have the ids 0 .. 259");
  EXPECT_EQ(refusal("add", "/model/vocab/he", -1),
            "t.json: token 'he' has id -1, but 260 tokens must have the ids 0 .. 259");
  EXPECT_EQ(refusal("remove", "/model/vocab/hell"),  // a gap
            "t.json: token '<end>' has id 259, but 259 tokens must have the ids 0 .. 258");
  EXPECT_EQ(refusal("add", "/model/vocab/he", 258),
            "t.json: tokens 'he' and 'hell' both have id 258");
  EXPECT_EQ(refusal("add", "/model/vocab/he", "x"),
            "t.json: the id of token 'he': expected an integer, found 'x'");
  EXPECT_EQ(refusal("add", "/model/vocab/he", json::object()),
            "t.json: the id of token 'he': expected an integer, found an object");
  EXPECT_EQ(refusal("add", "/model/vocab/<end>", 3),
            "t.json: token '<end>' has two ids, 3 and 259");
  EXPECT_EQ(refusal("add", "/added_tokens/0/id", 2147483648u),
            "t.json: added_tokens[0].id: expected an id of 0 .. 2147483647, found 2147483648");
  EXPECT_EQ(
      refusal("add", "/added_tokens/0/id", 18446744073709551615u),
      "t.json: added_tokens[0].id: expected an integer below 2^63, found 18446744073709551615");
}

TEST(TokenizerJson, SaysWhatIsMissingOrOfTheWrongType) {
  EXPECT_EQ(refusal("remove", "/model"), "t.json: model: expected an object, found nothing");
  EXPECT_EQ(refusal("remove", "/model/vocab"),
            "t.json: model.vocab: expected an object, found nothing");
  EXPECT_EQ(refusal("add", "/model/vocab", {1, 2}),
            "t.json: model.vocab: expected an object, found a list of 2");
  EXPECT_EQ(refusal("remove", "/model/merges"),
            "t.json: model.merges: expected a list, found nothing");
  EXPECT_EQ(refusal("add", "/added_tokens", 7), "t.json: added_tokens: expected a list, found 7");
  EXPECT_EQ(refusal("remove", "/added_tokens/0/content"),
            "t.json: added_tokens[0].content: expected a string, found nothing");
  EXPECT_EQ(refusal("add", "/added_tokens/0/lstrip", 1),
            "t.json: added_tokens[0].lstrip: expected true or false, found 1");
  EXPECT_EQ(refusal("remove", "/pre_tokenizer/add_prefix_space"),
            "t.json: pre_tokenizer.add_prefix_space: expected true or false, found nothing");
  EXPECT_EQ(refusal("add", "/model/dropout", 0.1),
            "t.json: model.dropout: expected null or 0, found 0.1");
  EXPECT_EQ(refusal("add", "/added_tokens/0/content", ""),
            "t.json: the added token with id 259 is empty");
  EXPECT_EQ(refusal("add", "/added_tokens/0/content", std::string(1025, 'x')),
            "t.json: the added token with id 259: expected at most 1024 bytes, found 1025");
  EXPECT_EQ(refusal("add", "/added_tokens/-", small_tokenizer()["added_tokens"][0]),
            "t.json: the added token '<end>' is listed twice");
  EXPECT_EQ(refusal_of("[]"), "t.json: expected an object, found a list of 0");
  EXPECT_EQ(refusal_of(R"({"model": {"vocab": {}, "merges": []}, "pre_tokenizer":
                          {"type": "ByteLevel", "add_prefix_space": true}})"),
            "t.json: the vocabulary is empty");
}

TEST(TokenizerJson, SaysWhichMergeIsWrong) {
  const std::string spelled = "expected 'left right' or ['left', 'right'], found ";
  EXPECT_EQ(refusal("add", "/model/merges/1", "ll"), "t.json: merge 2: " + spelled + "'ll'");
  EXPECT_EQ(refusal("add", "/model/merges/1", "l l l"), "t.json: merge 2: " + spelled + "'l l l'");
  EXPECT_EQ(refusal("add", "/model/merges/1", {"a"}), "t.json: merge 2: " + spelled + "1 strings");
  EXPECT_EQ(refusal("add", "/model/merges/1", {"a", "b", "c"}),
            "t.json: merge 2: " + spelled + "3 strings");
  EXPECT_EQ(refusal("add", "/model/merges/1", {"a", 7}), "t.json: merge 2: " + spelled + "7");
  EXPECT_EQ(refusal("add", "/model/merges/1", json::object()),
            "t.json: merge 2: " + spelled + "an object");
  EXPECT_EQ(refusal("add", "/model/merges/1", "zq x"),
            "t.json: merge 2 joins 'zq' and 'x', but 'zq' is not in the vocabulary");
  EXPECT_EQ(refusal("add", "/model/merges/1", "a b"),
            "t.json: merge 2 joins 'a' and 'b', but 'ab' is not in the vocabulary");
}

TEST(TokenizerJson, IsRefusedWhereItIsNoJsonOrHidesAKey) {
  EXPECT_EQ(refusal_of("{\"model\": {"), message_of([] { parse_json("{\"model\": {", "t.json"); }));
  EXPECT_EQ(refusal_of(R"({"a": 1, "a": 2})"), "t.json: key 'a' appears twice in one object");
  EXPECT_EQ(refusal_of(R"({"model": {"vocab": {"a": 0, "a": 1}, "merges": []}, "pre_tokenizer":
                          {"type": "ByteLevel", "add_prefix_space": true}})"),
            "t.json: token 'a' has two ids, 0 and 1");
  EXPECT_EQ(refusal_of(std::string(65, '[')),
            "t.json: expected at most 64 levels of nesting, found more");
  EXPECT_EQ(refusal_of("{\"model\": {\"merges\": [[" + std::string(1000, '[')),
            "t.json: merge 1: expected 'left right' or ['left', 'right'], found a list of 0");
}

json processor(const json& single) {
  return {{"type", "TemplateProcessing"},
          {"single", single},
          {"special_tokens", {{"<end>", {{"id", "<end>"}, {"ids", {kEndId}}}}}}};
}
const json kSpecial = {{"SpecialToken", {{"id", "<end>"}, {"type_id", 0}}}};
const json kText = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};

TEST(PostProcessor, AddsItsSpecialTokensWhereAskedFor) {
  json file = small_tokenizer();
  file["post_processor"] = {{"type", "Sequence"},
                            {"processors",
                             {{{"type", "ByteLevel"}},
                              processor({kSpecial, kText}),
                              processor({kSpecial, kText, kSpecial, kSpecial})}}};
  const auto tokenizer = parsed(file);
  EXPECT_EQ(tokenizer->encode("a", {}), (Ids{'a'}));
  EXPECT_EQ(tokenizer->encode("a", {.special = true}), (Ids{kEndId, kEndId, 'a', kEndId, kEndId}));
  EXPECT_EQ(tokenizer->encode("", {.special = true}), (Ids{kEndId, kEndId, kEndId, kEndId}));
}

TEST(PostProcessor, OfByteLevelAddsNothing) {
  json file = small_tokenizer();
  file["post_processor"] = {{"type", "ByteLevel"}};
  EXPECT_EQ(parsed(file)->encode("a", {.special = true}), (Ids{'a'}));
}

TEST(PostProcessor, IsRefusedWhereItIsNotUnderstood) {
  EXPECT_EQ(refusal("add", "/post_processor", {{"type", "BertProcessing"}}),
            "t.json: post_processor.type: expected ByteLevel, TemplateProcessing or Sequence, "
            "found 'BertProcessing'");
  EXPECT_EQ(refusal("add", "/post_processor", processor({kText, kText})),
            "t.json: post_processor.single[1]: expected a special token, or the sequence 'A' once, "
            "found an object");
  EXPECT_EQ(refusal("add", "/post_processor", processor(json::array({kSpecial}))),
            "t.json: post_processor.single: expected the sequence 'A' among the parts, "
            "found a list of 1");
  json wrong = processor({kSpecial, kText});
  wrong["special_tokens"]["<end>"]["ids"][0] = 260;
  EXPECT_EQ(refusal("add", "/post_processor", wrong),
            "t.json: post_processor.special_tokens.<end>.ids[0]: expected an id of 0 .. 259, "
            "found 260");
  json many = processor(json::array({kText}));
  many["special_tokens"]["<end>"]["ids"] = std::vector<int>(600, kEndId);
  for (int i = 0; i < 2; ++i) many["single"].push_back(kSpecial);
  EXPECT_EQ(refusal("add", "/post_processor", many),
            "t.json: post_processor.special_tokens.<end>.ids: expected at most 1024 special tokens "
            "around a text, found a list of 600");
}

TEST(TokenizerJson, MayAskForASpaceInFront) {
  json file = small_tokenizer();
  file["pre_tokenizer"]["add_prefix_space"] = true;
  const auto tokenizer = parsed(file);
  EXPECT_EQ(tokenizer->encode("a<end>b", {}), (Ids{' ', 'a', kEndId, ' ', 'b'}));
  EXPECT_EQ(tokenizer->encode(" a", {}), (Ids{' ', 'a'}));
  EXPECT_EQ(tokenizer->encode("", {}), Ids{});
}

TEST(TokenizerJson, MayAskForWholeWordsBeforeMerges) {
  json file = small_tokenizer();
  file["model"]["vocab"]["hello"] = 260;
  EXPECT_EQ(parsed(file)->encode("hello", {}), (Ids{258, 'o'}));
  file["model"]["ignore_merges"] = true;
  EXPECT_EQ(parsed(file)->encode("hello", {}), (Ids{260}));
  // <end> is a token, but only where the text itself has it: as a word it is five symbols.
  file["added_tokens"][0]["single_word"] = true;
  EXPECT_EQ(parsed(file)->encode("<end>x", {}), (Ids{'<', 'e', 'n', 'd', '>', 'x'}));
}

TEST(TokenizerJson, MayHaveATokenForUnknownBytes) {
  json file = small_tokenizer();
  file["model"]["vocab"].erase("x");
  file["model"]["vocab"]["<unk>"] = 'x';
  EXPECT_EQ(message_of([&] { parsed(file)->encode("axxb", {}); }),
            "t.json: no token for the byte 0x78, and no unk_token");
  file["model"]["unk_token"] = "<unk>";
  EXPECT_EQ(parsed(file)->encode("axxb", {}), (Ids{'a', 'x', 'x', 'b'}));
  file["model"]["fuse_unk"] = true;
  EXPECT_EQ(parsed(file)->encode("axxb", {}), (Ids{'a', 'x', 'b'}));
}

}  // namespace
}  // namespace crescent
