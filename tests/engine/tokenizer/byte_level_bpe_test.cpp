#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "engine/random.h"
#include "tests/engine/formats/support.h"
#include "tests/engine/tokenizer/small_tokenizer.h"

namespace crescent {
namespace {

using Ids = std::vector<int32_t>;
using nlohmann::json;

/// The reference's cases, made by the tokenizers library.
class Gpt2Cases : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::filesystem::path source = fixture("tokenizers/gpt2_bpe");
    if (GetParam() == std::string("vocab.json")) {
      std::filesystem::copy(source / "vocab.json", folder_.path());
      std::filesystem::copy(source / "merges.txt", folder_.path());
    } else {
      std::filesystem::copy(source / GetParam(), folder_.path() / "tokenizer.json");
    }
    tokenizer_ = load_tokenizer(folder_.path());
  }
  static json cases(std::string_view name) {
    return json::parse(read_text(fixture("tokenizers/gpt2_bpe") + "/" + std::string(name)));
  }

  TemporaryFolder folder_;
  std::shared_ptr<const Tokenizer> tokenizer_;
};

TEST_P(Gpt2Cases, EncodeAndDecodeAsTheReference) {
  const json all = cases("tokenizer_cases.json");
  ASSERT_GT(all.size(), 400u);
  for (const json& one : all) {
    const auto text = one["text"].get<std::string>();
    const Ids ids = tokenizer_->encode(text, {});
    ASSERT_EQ(ids, one["ids"].get<Ids>()) << text;
    ASSERT_EQ(tokenizer_->decode(ids, {}), one["decoded"].get<std::string>());
    ASSERT_EQ(tokenizer_->encode(tokenizer_->decode(ids, {}), {}), ids) << text;
    ASSERT_EQ(tokenizer_->encode(text, {.special = true}),
              one.value("ids_with_special", one["ids"]).get<Ids>());
  }
}

TEST_P(Gpt2Cases, DecodeAnyIdsAsTheReference) {
  const json all = cases("decode_cases.json");
  ASSERT_GT(all.size(), 50u);
  for (const json& one : all) {
    const auto ids = one["ids"].get<Ids>();
    ASSERT_EQ(tokenizer_->decode(ids, {}), one["decoded"].get<std::string>());
    ASSERT_EQ(tokenizer_->decode(ids, {.skip_special = true}),
              one["decoded_without_special"].get<std::string>());
    Utf8Stream stream;
    std::string streamed;
    for (const int32_t id : ids) streamed += stream.feed(tokenizer_->bytes_of(id));
    ASSERT_EQ(streamed + stream.finish(), one["decoded"].get<std::string>());
  }
}

INSTANTIATE_TEST_SUITE_P(Spellings, Gpt2Cases,
                         testing::Values("tokenizer.json", "tokenizer_old_merges.json",
                                         "vocab.json"),
                         [](const auto& info) {
                           const std::string name = info.param;
                           return name.substr(0, name.find('.'));
                         });

TEST(ByteLevelBpe, EncodesTheTextsOfTheModelFixture) {
  const std::string folder = fixture("models/gpt2_text");
  const auto tokenizer = load_tokenizer(folder);
  const json expected = json::parse(read_text(folder + "/expected.json"));
  for (const json& prompt : expected["prompts"]) {
    EXPECT_EQ(tokenizer->encode(prompt["text"].get<std::string>(), {.special = true}),
              prompt["input_ids"].get<Ids>());
  }
}

TEST(ByteLevelBpe, RefusesFixturesOfOtherKindsAndBrokenOnes) {
  const std::string spm = fixture("tokenizers/llama_spm");
  EXPECT_EQ(message_of([&] { load_tokenizer(spm); }),
            spm +
                "/tokenizer.json: tokenizer of kind BPE with byte fallback, normalizer Prepend + "
                "Replace, no pre-tokenizer: crescent reads byte-level BPE with GPT-2's pattern and "
                "no normalizer");
  const std::string merge = fixture("malformed/tok_merge_of_unknown_token");
  EXPECT_EQ(
      message_of([&] { load_tokenizer(merge); }),
      merge + "/tokenizer.json: merge 2 joins 'zq' and 'qz', but 'zq' is not in the vocabulary");
  EXPECT_EQ(load_tokenizer(fixture("malformed/_valid_control"))->size(), 16);
}

TEST(ByteLevelBpe, RefusesIdsOutsideTheVocabulary) {
  const auto tokenizer = parsed(small_tokenizer());
  EXPECT_EQ(message_of([&] {
              tokenizer->decode(Ids{1, 260}, {});
            }),
            "token id 260: expected 0 .. 259");
  EXPECT_EQ(message_of([&] { tokenizer->decode(Ids{-1}, {}); }), "token id -1: expected 0 .. 259");
  EXPECT_EQ(message_of([&] { tokenizer->bytes_of(260); }), "token id 260: expected 0 .. 259");
}

std::string random_text(Random& random) {
  std::string text;
  for (uint64_t parts = random.below(8); parts > 0; --parts) {
    switch (random.below(4)) {
      case 0: text += static_cast<char>(random.below(256)); break;
      case 1:
        text += std::string(1 + random.below(70), static_cast<char>('a' + random.below(3)));
        break;
      case 2: text += " <|endoftext|>"; break;
      default: unicode::append_character(text, static_cast<uint32_t>(0x20 + random.below(0xD000)));
    }
  }
  return text;
}

// 100,000 texts of any bytes: nothing crashes, decoding gives them back as far as they are UTF-8,
// and what was decoded encodes to itself.
TEST(ByteLevelBpe, TakesAnyBytes) {
  const auto tokenizer = load_tokenizer(fixture("tokenizers/gpt2_bpe"));
  Random random(5);
  for (int round = 0; round < 100'000; ++round) {
    const std::string bytes = random_text(random);
    std::string lossy;
    unicode::append_lossy(lossy, bytes);
    const Ids ids = tokenizer->encode(bytes, {});
    const std::string decoded = tokenizer->decode(ids, {});
    ASSERT_EQ(decoded, lossy);
    std::string raw;
    for (const int32_t id : ids) raw += tokenizer->bytes_of(id);
    ASSERT_EQ(raw, bytes);
    if (round % 4 == 0) {
      const Ids again = tokenizer->encode(decoded, {});
      ASSERT_EQ(tokenizer->encode(tokenizer->decode(again, {}), {}), again);
    }
  }
}

// Long texts take the way over the cache of words, short ones do not.
TEST(ByteLevelBpe, GivesALongTextTheIdsOfItsParts) {
  const auto tokenizer = load_tokenizer(fixture("tokenizers/gpt2_bpe"));
  Random random(6);
  std::string text;
  Ids expected;
  while (text.size() < 300'000) {
    const std::string word =
        " word" + std::to_string(random.below(9000)) + std::string(random.below(90), 'a');
    text += word;
    const Ids ids = tokenizer->encode(word, {});
    expected.insert(expected.end(), ids.begin(), ids.end());
  }
  EXPECT_EQ(tokenizer->encode(text, {}), expected);
}

TEST(ByteLevelBpe, EncodesAWordOfAMegabyte) {
  const auto tokenizer = load_tokenizer(fixture("tokenizers/gpt2_bpe"));
  for (const char letter : {'a', ' ', '=', '\n', '\x80'}) {
    const std::string text(1 << 20, letter);
    std::string raw;
    for (const int32_t id : tokenizer->encode(text, {})) raw += tokenizer->bytes_of(id);
    EXPECT_EQ(raw, text);
  }
}

TEST(ByteLevelBpe, ServesSeveralThreadsAtOnce) {
  const auto tokenizer = load_tokenizer(fixture("tokenizers/gpt2_bpe"));
  const std::string text = read_text(fixture("tokenizers/gpt2_bpe/tokenizer_cases.json"));
  const Ids expected = tokenizer->encode(text, {});
  std::vector<Ids> results(4);
  {
    std::vector<std::jthread> threads;
    for (Ids& result : results) {
      threads.emplace_back([&] { result = tokenizer->encode(text, {}); });
    }
  }
  for (const Ids& result : results) EXPECT_EQ(result, expected);
}

// A token that holds a character outside the byte alphabet stands for itself.
TEST(ByteLevelBpe, GivesAddedTokensTheirOwnBytes) {
  json file = small_tokenizer();
  file["added_tokens"].push_back({{"id", 260}, {"content", "two words"}, {"special", false}});
  file["added_tokens"].push_back({{"id", 261}, {"content", "日本"}, {"special", false}});
  const auto tokenizer = parsed(file);
  const Ids ids = tokenizer->encode("a two words日本<end>", {});
  EXPECT_EQ(ids, (Ids{'a', ' ', 260, 261, kEndId}));
  EXPECT_EQ(tokenizer->decode(ids, {}), "a two words日本<end>");
  EXPECT_EQ(tokenizer->decode(ids, {.skip_special = true}), "a two words日本");
}

}  // namespace
}  // namespace crescent
