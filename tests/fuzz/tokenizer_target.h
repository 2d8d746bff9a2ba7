#pragma once
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "engine/error.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/unicode.h"

namespace crescent::fuzz {

/// What the fuzzer calls and the unit tests replay: the text is refused with an Error, or gives a
/// tokenizer whose promises hold on a few texts, its own file among them.
inline void read_tokenizer(std::string_view file) {
  const auto hold = [](bool holds, const char* promise) {
    if (!holds) throw std::logic_error(promise);
  };
  std::shared_ptr<const Tokenizer> tokenizer;
  try {
    tokenizer = parse_tokenizer_json(file, "fuzz");
  } catch (const Error&) {
    return;
  }
  hold(tokenizer->size() > 0, "a vocabulary has tokens");
  for (const std::string_view text :
       {file.substr(0, 2000), std::string_view("He's  a b\n\xFF<s>\u00E9")}) {
    std::vector<int32_t> ids;
    try {
      ids = tokenizer->encode(text, {.special = true});
    } catch (const Error&) {
      continue;  // a byte without a token
    }
    std::string bytes, expected;
    for (const int32_t id : ids) bytes += tokenizer->bytes_of(id);  // throws for an id that is none
    unicode::append_lossy(expected, bytes);
    hold(tokenizer->decode(ids, {}) == expected, "decoding joins the bytes of the ids");
    hold(tokenizer->decode(ids, {.skip_special = true}).size() <= expected.size() + 3 * ids.size(),
         "leaving tokens out makes no text");
  }
}

}  // namespace crescent::fuzz
