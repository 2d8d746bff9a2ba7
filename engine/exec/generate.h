#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/exec/sampler.h"
#include "engine/exec/session.h"

namespace crescent {

struct GenerateOptions {
  int64_t tokens = 100;  ///< at most so many new ones
  SamplingOptions sampling;
  std::vector<std::string> stop;  ///< texts that end it; not part of the result's text
  bool ignore_eos = false;
  /// Leaves the last new id in the session too (a forward pass more), so that a later call
  /// continues where this one ended. Off where the session is thrown away.
  bool feed_last = true;
  /// Called with each piece of text that is complete (never inside a UTF-8 character, never a part
  /// of what may become a stop text) and the id that completed it; false ends the generation.
  /// Without a tokenizer: called for every id, with no text.
  std::function<bool(std::string_view text, int32_t id)> on_token;
  Observer* observer = nullptr;  ///< told of prefill, decode, sample and detokenize, and what is in
};

struct Generated {
  std::vector<int32_t> ids;  ///< the new ones, those that spell a stop text too; no end-of-text id
  std::string text;          ///< the pieces together; empty if the model has no tokenizer
  int64_t prompt_tokens = 0;
  int64_t ttft_ns = 0;    ///< from the call to the first new id: prefill and one sample
  int64_t decode_ns = 0;  ///< from there to the last id
  enum class StoppedBy {
    tokens,
    end_of_text,
    stop,
    callback,
    positions
  } stopped_by = StoppedBy::tokens;
};
const char* name_of(Generated::StoppedBy);

/// Continues a session. `prompt` may be empty only if the session holds something to continue from
/// (then its last token is fed again).
/// @param tokenizer may be null: then `text` stays empty and `stop` is refused.
/// @throws Error for an empty start, ids outside the vocabulary, a prompt longer than the session's
/// room.
Generated generate(Session& session, std::span<const int32_t> prompt,
                   const GenerateOptions& options, const Tokenizer* tokenizer);

}  // namespace crescent
