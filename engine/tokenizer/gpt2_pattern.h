#pragma once
#include <cstddef>
#include <string_view>

namespace crescent {

/// The end of the word that starts at `begin`, by GPT-2's pattern
///
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
///
/// Every byte belongs to exactly one word; a broken part of UTF-8 counts as one character that is
/// neither space nor letter nor number. Other patterns (Llama 3's, Qwen2's) can stand beside this
/// function with the same signature.
/// Source: encoder.py of github.com/openai/gpt-2.
/// @param begin  < text.size().
/// Cost: reads the word and at most one character after it.
size_t gpt2_word_end(std::string_view text, size_t begin);

}  // namespace crescent
