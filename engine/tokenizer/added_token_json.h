#pragma once
#include <vector>

#include "engine/tokenizer/added_tokens.h"
#include "engine/tokenizer/json_field.h"
#include "engine/tokenizer/vocabulary.h"

namespace crescent {

/// What several files say about an added token: content, special, single_word, lstrip, ...
AddedToken read_added_token(const JsonField& entry, int32_t id);

/// @throws Error unless it is 0 .. 2^31-1.
int32_t read_id(const JsonField& id);

/// Appends the added tokens to the vocabulary that they belong to.
/// @throws Error naming `where` for an empty one and one listed twice.
void append_added(Vocabulary& vocabulary, const std::vector<AddedToken>& added,
                  std::string_view where);

}  // namespace crescent
