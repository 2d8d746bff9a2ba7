#pragma once
#include <string_view>

#include "engine/tokenizer/json_field.h"

namespace crescent {

/// The end of a message that refuses a kind.
inline constexpr std::string_view kWhatWeRead =
    "crescent reads byte-level BPE with GPT-2's pattern and no normalizer";

/// What a tokenizer.json of the kind that we read says about its pre-tokenizer.
struct ByteLevelSettings {
  bool add_prefix_space;
};

/// Tells a byte-level BPE with GPT-2's pattern from everything else.
/// @throws Error naming the file and the kind, in words of the file, for everything else.
ByteLevelSettings require_byte_level_bpe(const JsonField& file);

}  // namespace crescent
