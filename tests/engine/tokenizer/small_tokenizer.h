#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/unicode.h"

namespace crescent {

inline constexpr int kEndId = 259;

/// A tokenizer.json: the 256 bytes by their values, 'he' 256, 'll' 257, 'hell' 258, and the special
/// token <end> 259. Tests change what they are about.
inline nlohmann::json small_tokenizer() {
  nlohmann::json vocab;
  for (int byte = 0; byte < 256; ++byte) {
    std::string spelling;
    unicode::append_character(spelling, byte_alphabet::character_of(static_cast<uint8_t>(byte)));
    vocab[spelling] = byte;
  }
  vocab["he"] = 256;
  vocab["ll"] = 257;
  vocab["hell"] = 258;
  return {
      {"added_tokens", {{{"id", kEndId}, {"content", "<end>"}, {"special", true}}}},
      {"normalizer", nullptr},
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
      {"post_processor", nullptr},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", {"h e", "l l", "he ll"}}}},
  };
}

inline std::shared_ptr<const Tokenizer> parsed(const nlohmann::json& file) {
  return parse_tokenizer_json(file.dump(), "t.json");
}

}  // namespace crescent
