#include "engine/exec/generate.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "engine/error.h"
#include "engine/exec/stop_filter.h"
#include "engine/interrupt.h"

namespace crescent {
namespace {

using Clock = std::chrono::steady_clock;

int64_t nanoseconds(Clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
}

void check_options(const GenerateOptions& options, const Tokenizer* tokenizer) {
  if (options.tokens < 1) fail("generate: tokens: expected at least 1, got {}", options.tokens);
  if (!options.stop.empty() && tokenizer == nullptr) {
    fail("generate: stop: needs the text of what is generated, and this model has no tokenizer");
  }
  for (size_t i = 0; i < options.stop.size(); ++i) {
    if (options.stop[i].empty()) fail("generate: stop: text {} is empty", i + 1);
  }
}

/// What is fed first: the prompt, or the session's own last token again.
std::vector<int32_t> start_of(Session& session, std::span<const int32_t> prompt) {
  if (!prompt.empty()) {
    const int64_t room = session.capacity() - session.length();
    if (static_cast<int64_t>(prompt.size()) > room) {
      fail("generate: the prompt has {} tokens, the session has room for {} (it holds {} of {})",
           prompt.size(), room, session.length(), session.capacity());
    }
    return {prompt.begin(), prompt.end()};
  }
  if (session.length() == 0) fail("generate: expected a prompt of at least one token, got none");
  return {session.ids().back()};
}

/// Turns ids into text for the result and the caller.
class Output {
 public:
  Output(const GenerateOptions& options, const Tokenizer* tokenizer, Generated& result)
      : options_(options), tokenizer_(tokenizer), result_(result), stops_(options.stop) {}

  /// Why the generation ends with this id, if it does.
  std::optional<Generated::StoppedBy> add(int32_t id) {
    result_.ids.push_back(id);
    bool go_on = true;
    if (tokenizer_ == nullptr) {
      if (options_.on_token) go_on = options_.on_token({}, id);
    } else {
      go_on = give(text_of(id), id);
    }
    if (stops_.stopped()) return Generated::StoppedBy::stop;
    if (!go_on) return Generated::StoppedBy::callback;
    return std::nullopt;
  }

  /// What was held back for a stop text or an unfinished character that never came.
  void finish() {
    if (tokenizer_ == nullptr || stops_.stopped() || result_.ids.empty()) return;
    std::string rest = stops_.feed(utf8_.finish());
    rest += stops_.finish();
    give(rest, result_.ids.back());
  }

 private:
  /// What can be shown of the text now.
  std::string text_of(int32_t id) {
    const SectionSpan span(options_.observer, Section::detokenize);
    // A vocabulary padded beyond the tokenizer's has ids that spell nothing.
    return stops_.feed(utf8_.feed(id < tokenizer_->size() ? tokenizer_->bytes_of(id) : ""));
  }

  bool give(const std::string& piece, int32_t id) {
    if (piece.empty()) return true;
    result_.text += piece;
    return !options_.on_token || options_.on_token(piece, id);
  }

  const GenerateOptions& options_;
  const Tokenizer* tokenizer_;
  Generated& result_;
  StopFilter stops_;
  Utf8Stream utf8_;
};

/// Runs one step and samples from its last row.
class Stepper {
 public:
  Stepper(Session& session, const GenerateOptions& options)
      : session_(session), sampler_(options.sampling), observer_(options.observer) {}

  int32_t next(std::span<const int32_t> fed, Section section) {
    check_interrupt();
    const at::Tensor logits = feed(fed, section);
    const SectionSpan span(observer_, Section::sample);
    return sampler_.pick({logits.data_ptr<float>(), static_cast<size_t>(logits.numel())},
                         session_.ids());
  }

  at::Tensor feed(std::span<const int32_t> fed, Section section) {
    const SectionSpan span(observer_, section,
                           {.tokens = static_cast<int32_t>(fed.size()),
                            .past = static_cast<int32_t>(session_.length()),
                            .logits = 1});
    return session_.feed(fed, {.last_only = true, .observer = observer_});
  }

 private:
  Session& session_;
  Sampler sampler_;
  Observer* observer_;
};

}  // namespace

const char* name_of(Generated::StoppedBy reason) {
  switch (reason) {
    case Generated::StoppedBy::tokens: return "tokens";
    case Generated::StoppedBy::end_of_text: return "end_of_text";
    case Generated::StoppedBy::stop: return "stop";
    case Generated::StoppedBy::callback: return "callback";
    case Generated::StoppedBy::positions: return "positions";
  }
  return "unknown";
}

Generated generate(Session& session, std::span<const int32_t> prompt,
                   const GenerateOptions& options, const Tokenizer* tokenizer) {
  const auto start_time = Clock::now();
  check_options(options, tokenizer);
  const std::vector<int32_t> start = start_of(session, prompt);
  const int64_t length_before = session.length();
  Stepper stepper(session, options);
  Generated result;
  result.prompt_tokens = static_cast<int64_t>(prompt.size());
  Output output(options, tokenizer, result);
  const auto& ends = session.model().source().end_of_text;

  // A session is continued by feeding its last token again; if that fails, it keeps that token.
  if (prompt.empty()) session.truncate(session.length() - 1);
  int32_t id = 0;
  try {
    id = stepper.next(start, Section::prefill);
  } catch (const std::exception&) {
    const int64_t length = session.length();
    if (prompt.empty() && length + 1 == length_before) {
      session.take_back(ids_tensor(session.model(), start));
    }
    throw;
  }
  const auto first_time = Clock::now();
  auto last_time = first_time;
  result.ttft_ns = nanoseconds(first_time - start_time);
  for (;;) {
    if (!options.ignore_eos && std::find(ends.begin(), ends.end(), id) != ends.end()) {
      result.stopped_by = Generated::StoppedBy::end_of_text;
      break;
    }
    if (const auto reason = output.add(id)) {
      result.stopped_by = *reason;
      break;
    }
    if (static_cast<int64_t>(result.ids.size()) == options.tokens) {
      result.stopped_by = Generated::StoppedBy::tokens;
      break;
    }
    if (session.length() == session.capacity()) {
      result.stopped_by = Generated::StoppedBy::positions;
      break;
    }
    id = stepper.next({&id, 1}, Section::decode);
    last_time = Clock::now();
  }
  result.decode_ns = nanoseconds(last_time - first_time);
  output.finish();

  // Every new id but the last has been fed to get the next one.
  const bool last_is_pending =
      !result.ids.empty() && result.stopped_by != Generated::StoppedBy::end_of_text;
  if (options.feed_last && last_is_pending && session.length() < session.capacity()) {
    stepper.feed({&result.ids.back(), 1}, Section::decode);
  }
  return result;
}

}  // namespace crescent
