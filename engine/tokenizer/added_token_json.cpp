#include "engine/tokenizer/added_token_json.h"

#include <algorithm>
#include <utility>

#include "engine/error.h"
#include "engine/formats/describe.h"

namespace crescent {

AddedToken read_added_token(const JsonField& entry, int32_t id) {
  const bool special = entry["special"].boolean_or(false);
  return {.content = entry["content"].string(),
          .id = id,
          .special = special,
          .single_word = entry["single_word"].boolean_or(false),
          .lstrip = entry["lstrip"].boolean_or(false),
          .rstrip = entry["rstrip"].boolean_or(false),
          .normalized = entry["normalized"].boolean_or(!special)};
}

int32_t read_id(const JsonField& id) {
  const int64_t value = id.integer();
  if (value < 0 || !std::in_range<int32_t>(value)) id.fail_expected("an id of 0 .. 2147483647");
  return static_cast<int32_t>(value);
}

void append_added(Vocabulary& vocabulary, const std::vector<AddedToken>& added,
                  std::string_view where) {
  std::vector<std::string_view> contents;
  for (const AddedToken& token : added) {
    if (token.content.empty()) fail("{}: the added token with id {} is empty", where, token.id);
    // They are looked for at every byte of a text.
    constexpr size_t kBytesMax = 1024;
    if (token.content.size() > kBytesMax) {
      fail("{}: the added token with id {}: expected at most {} bytes, found {}", where, token.id,
           kBytesMax, token.content.size());
    }
    contents.push_back(token.content);
    vocabulary.append(token.content, token.id);
    ++vocabulary.added;
  }
  std::sort(contents.begin(), contents.end());
  const auto twice = std::adjacent_find(contents.begin(), contents.end());
  if (twice != contents.end()) {
    fail("{}: the added token {} is listed twice", where, in_quotes(*twice));
  }
}

}  // namespace crescent
