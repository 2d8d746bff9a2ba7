#include "engine/exec/generate.h"

#include "engine/interrupt.h"
#include "tests/engine/exec/fixture.h"

namespace crescent::test {
namespace {

/// Every id is one letter, or a part of one: what the streaming rules need, whatever a model says.
class LetterTokenizer : public Tokenizer {
 public:
  explicit LetterTokenizer(std::vector<std::string> bytes) : bytes_(std::move(bytes)) {}
  std::vector<int32_t> encode(std::string_view, EncodeOptions) const override { return {}; }
  std::string decode(std::span<const int32_t> ids, DecodeOptions) const override {
    std::string text;
    for (const int32_t id : ids) text += bytes_of(id);
    return text;
  }
  std::string bytes_of(int32_t id) const override {
    return bytes_[static_cast<size_t>(id) % bytes_.size()];
  }
  int32_t size() const override { return 96; }
  std::optional<int32_t> id_of(std::string_view) const override { return std::nullopt; }
  std::string_view kind() const override { return "letters"; }

 private:
  std::vector<std::string> bytes_;
};

std::vector<std::string> alphabet() {
  std::vector<std::string> letters;
  for (int i = 0; i < 96; ++i) letters.push_back(std::string(1, static_cast<char>(' ' + i % 95)));
  return letters;
}

class Generate : public testing::TestWithParam<int> {
 protected:
  std::shared_ptr<const Model> model_ = load("gpt2", GetParam());
  Expected expected_{"gpt2"};
  const Prompt& prompt_ = expected_.prompts()[0];
  LetterTokenizer letters_{alphabet()};

  std::unique_ptr<Session> session(int64_t capacity = 40) {
    return Session::open(model_, 1, capacity);
  }
  std::string greedy_text(size_t tokens) {
    return letters_.decode({prompt_.greedy.data(), tokens}, {});
  }
};

/// The sections in their order, with the sizes of passes.
class Sections : public Observer {
 public:
  void begin_section(Section section, SectionSize size) override {
    EXPECT_FALSE(open) << "sections never nest";
    open = true;
    seen.push_back(fmt::format("{} {}+{}", name_of(section), size.past, size.tokens));
  }
  void end_section(Section) override { open = false; }

  std::vector<std::string> seen;
  bool open = false;
};

TEST_P(Generate, TellsItsSectionsApart) {
  Sections sections;
  const auto s = session();
  const std::vector<int32_t> prompt(prompt_.ids.begin(), prompt_.ids.begin() + 4);
  generate(*s, prompt, {.tokens = 2, .ignore_eos = true, .observer = &sections}, &letters_);
  const std::vector<std::string> expected{
      "prefill 0+4", "sample 0+0",     "detokenize 0+0", "decode 4+1",
      "sample 0+0",  "detokenize 0+0", "decode 5+1"};  // the last one leaves its id in the session
  EXPECT_EQ(sections.seen, expected);
  EXPECT_FALSE(sections.open);
}

TEST_P(Generate, LeavesASectionThatFails) {
  Sections sections;
  const auto s = session();
  const std::vector<int32_t> outside{1, 1000};
  EXPECT_THROW(generate(*s, outside, {.tokens = 2, .observer = &sections}, &letters_), Error);
  EXPECT_FALSE(sections.open);
}

TEST_P(Generate, GivesAsManyTokensAsAsked) {
  const auto s = session();
  const Generated made = generate(*s, prompt_.ids, {.tokens = 5, .ignore_eos = true}, &letters_);
  EXPECT_EQ(made.ids, std::vector<int32_t>(prompt_.greedy.begin(), prompt_.greedy.begin() + 5));
  EXPECT_EQ(made.text, greedy_text(5));
  EXPECT_EQ(made.prompt_tokens, static_cast<int64_t>(prompt_.ids.size()));
  EXPECT_STREQ(name_of(made.stopped_by), "tokens");
  EXPECT_GT(made.ttft_ns, 0);
  EXPECT_GT(made.decode_ns, 0);
}

TEST_P(Generate, ContinuesWhereAnEarlierCallEnded) {
  const auto s = session();
  Generated made = generate(*s, prompt_.ids, {.tokens = 5, .ignore_eos = true}, nullptr);
  EXPECT_EQ(s->length(), static_cast<int64_t>(prompt_.ids.size()) + 5) << "the last id is held too";
  const Generated more = generate(*s, {}, {.tokens = 11, .ignore_eos = true}, nullptr);
  made.ids.insert(made.ids.end(), more.ids.begin(), more.ids.end());
  EXPECT_EQ(made.ids, prompt_.greedy);
  EXPECT_EQ(more.prompt_tokens, 0);
}

TEST_P(Generate, SparesTheLastPassWhereTheSessionIsThrownAway) {
  const auto s = session();
  generate(*s, prompt_.ids, {.tokens = 5, .ignore_eos = true, .feed_last = false}, nullptr);
  EXPECT_EQ(s->length(), static_cast<int64_t>(prompt_.ids.size()) + 4);
}

TEST_P(Generate, EndsAtEndOfTextUnlessTold) {
  // The model's own source says which ids end a text; here the third of the greedy ones does.
  Model::Source source = model_->source();
  source.end_of_text = {prompt_.greedy[2]};
  const auto ending =
      Model::make(model_->family(), model_->config(), model_->layout(), model_->stored(), source)
          ->at_level(GetParam());
  const auto s = Session::open(ending, 1, 40);
  const Generated made = generate(*s, prompt_.ids, {.tokens = 16}, &letters_);
  EXPECT_EQ(made.ids, std::vector<int32_t>(prompt_.greedy.begin(), prompt_.greedy.begin() + 2));
  EXPECT_STREQ(name_of(made.stopped_by), "end_of_text");
  const auto other = Session::open(ending, 1, 40);
  EXPECT_EQ(generate(*other, prompt_.ids, {.tokens = 16, .ignore_eos = true}, nullptr).ids,
            prompt_.greedy);
}

TEST_P(Generate, EndsInFrontOfAStopText) {
  const std::string all = greedy_text(16);
  const auto s = session();
  const Generated made = generate(
      *s, prompt_.ids, {.tokens = 16, .stop = {all.substr(3, 3)}, .ignore_eos = true}, &letters_);
  EXPECT_EQ(made.text, all.substr(0, 3));
  EXPECT_EQ(made.ids.size(), 6u) << "the ids that spell the stop text are among them";
  EXPECT_STREQ(name_of(made.stopped_by), "stop");
}

TEST_P(Generate, StreamsTheTextAndNothingOfAStopText) {
  const std::string all = greedy_text(16);
  std::vector<std::pair<std::string, int32_t>> pieces;
  const auto s = session();
  generate(*s, prompt_.ids,
           {.tokens = 16,
            .stop = {all.substr(3, 3)},
            .ignore_eos = true,
            .on_token =
                [&](std::string_view text, int32_t id) {
                  pieces.emplace_back(text, id);
                  return true;
                }},
           &letters_);
  ASSERT_EQ(pieces.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(pieces[i].first, all.substr(i, 1));
    EXPECT_EQ(pieces[i].second, prompt_.greedy[i]);
  }
}

TEST_P(Generate, NeverSplitsACharacter) {
  // Four ids in turn are the bytes of one character: U+1F319.
  const LetterTokenizer quarters({"\xF0", "\x9F", "\x8C", "\x99"});
  const auto s = session();
  std::vector<std::string> pieces;
  const Generated made = generate(*s, prompt_.ids,
                                  {.tokens = 16,
                                   .ignore_eos = true,
                                   .on_token =
                                       [&](std::string_view text, int32_t) {
                                         pieces.emplace_back(text);
                                         return true;
                                       }},
                                  &quarters);
  std::string joined;
  for (const std::string& piece : pieces) {
    joined += piece;
    EXPECT_FALSE(piece.empty());
    Utf8Stream whole;
    EXPECT_EQ(whole.feed(piece), piece) << "every piece is made of whole characters";
    EXPECT_EQ(whole.finish(), "");
  }
  EXPECT_EQ(joined, made.text);
}

TEST_P(Generate, EndsWhereTheCallerSaysSo) {
  const auto s = session();
  int calls = 0;
  const Generated made =
      generate(*s, prompt_.ids,
               {.tokens = 16,
                .ignore_eos = true,
                .on_token = [&](std::string_view, int32_t) { return ++calls < 4; }},
               nullptr);
  EXPECT_EQ(made.ids.size(), 4u);
  EXPECT_STREQ(name_of(made.stopped_by), "callback");
}

TEST_P(Generate, EndsWhereTheSessionIsFull) {
  const auto full = session(static_cast<int64_t>(prompt_.ids.size()) + 3);
  const Generated made = generate(*full, prompt_.ids, {.tokens = 16, .ignore_eos = true}, nullptr);
  EXPECT_EQ(made.ids, std::vector<int32_t>(prompt_.greedy.begin(), prompt_.greedy.begin() + 4));
  EXPECT_STREQ(name_of(made.stopped_by), "positions");
}

TEST_P(Generate, SamplesTheSameFromTheSameSeedAndOtherwiseFromAnother) {
  const auto draw = [&](uint64_t seed) {
    const auto s = session();
    return generate(
               *s, prompt_.ids,
               {.tokens = 20, .sampling = {.temperature = 1.5, .seed = seed}, .ignore_eos = true},
               nullptr)
        .ids;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

TEST_P(Generate, PenalizesWhatThePromptSaid) {
  // A penalty that no logit survives keeps every id of the prompt and of the output from coming
  // again.
  const auto s = session();
  const Generated made = generate(
      *s, prompt_.ids, {.tokens = 16, .sampling = {.repetition_penalty = 1e6}, .ignore_eos = true},
      nullptr);
  std::vector<int32_t> seen = prompt_.ids;
  seen.erase(std::unique((std::sort(seen.begin(), seen.end()), seen.begin()), seen.end()),
             seen.end());
  const size_t distinct_before = seen.size();
  seen.insert(seen.end(), made.ids.begin(), made.ids.end());
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(static_cast<size_t>(std::unique(seen.begin(), seen.end()) - seen.begin()),
            distinct_before + 16);
}

TEST_P(Generate, RefusesWhatItCannotStartFrom) {
  const auto s = session(10);
  EXPECT_EQ(message_of([&] { generate(*s, {}, {}, nullptr); }),
            "generate: expected a prompt of at least one token, got none");
  EXPECT_EQ(message_of([&] { generate(*s, std::vector<int32_t>(11, 1), {}, nullptr); }),
            "generate: the prompt has 11 tokens, the session has room for 10 (it holds 0 of 10)");
  EXPECT_EQ(message_of([&] { generate(*s, prompt_.ids, {.tokens = 0}, nullptr); }),
            "generate: tokens: expected at least 1, got 0");
  EXPECT_EQ(message_of([&] { generate(*s, prompt_.ids, {.stop = {"x"}}, nullptr); }),
            "generate: stop: needs the text of what is generated, and this model has no tokenizer");
  EXPECT_EQ(message_of([&] {
              generate(*s, prompt_.ids, {.stop = {"x", ""}}, &letters_);
            }),
            "generate: stop: text 2 is empty");
  EXPECT_EQ(message_of([&] {
              generate(*s, std::vector<int32_t>{1, 99}, {}, nullptr);
            }),
            "token id 99 at position 2 is outside the vocabulary: expected 0 .. 95");
  EXPECT_EQ(s->length(), 0);
}

TEST_P(Generate, StopsAtAnInterrupt) {
  const auto s = session();
  const auto interrupt = [](std::string_view, int32_t) {
    interrupt_requested = true;
    return true;
  };
  EXPECT_THROW(generate(*s, prompt_.ids, {.ignore_eos = true, .on_token = interrupt}, nullptr),
               Interrupted);
  interrupt_requested = false;
}

TEST_P(Generate, LeavesTheSessionWholeWhereAContinuationIsInterrupted) {
  const auto s = session();
  s->feed(ids_tensor(*model_, prompt_.ids), {});
  interrupt_requested = true;
  EXPECT_THROW(generate(*s, {}, {}, nullptr), Interrupted);
  interrupt_requested = false;
  EXPECT_EQ(s->length(), static_cast<int64_t>(prompt_.ids.size()));
  EXPECT_EQ(generate(*s, {}, {.tokens = 3, .ignore_eos = true}, nullptr).ids,
            std::vector<int32_t>(prompt_.greedy.begin(), prompt_.greedy.begin() + 3));
}

TEST_P(Generate, SpellsNothingForIdsThatOnlyTheModelHas) {
  struct Short : LetterTokenizer {
    using LetterTokenizer::LetterTokenizer;
    int32_t size() const override { return 1; }
  };
  const Generated made = generate(*session(), prompt_.ids, {.tokens = 5, .ignore_eos = true},
                                  std::make_unique<Short>(alphabet()).get());
  EXPECT_EQ(made.ids.size(), 5u);
  EXPECT_EQ(made.text, "");
}

INSTANTIATE_TEST_SUITE_P(Levels, Generate, testing::Values(0, 1, 2));

TEST(GenerateFromText, ContinuesTheTextAsTheReference) {
  for (const char* name : {"gpt2_text"}) {
    const auto model = load(name);
    const Expected expected(name);
    for (const auto& p : expected.json().at("prompts")) {
      const std::vector<int32_t> ids =
          model->tokenizer()->encode(p.at("text").get<std::string>(), {.special = true});
      EXPECT_EQ(ids, p.at("input_ids").get<std::vector<int32_t>>());
      const auto s = Session::open(model, 1, 64);
      const Generated made =
          generate(*s, ids, {.tokens = 16, .ignore_eos = true}, model->tokenizer().get());
      EXPECT_EQ(made.text, p.at("greedy_text").get<std::string>());
    }
  }
}

}  // namespace
}  // namespace crescent::test
