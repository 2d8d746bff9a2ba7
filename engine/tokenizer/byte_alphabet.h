#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crescent {

/// GPT-2 spells every byte as one printable character, so that its vocabulary is readable text:
/// printable Latin-1 bytes as themselves, the 68 others as U+0100 and up in order. A space is 'Ġ'.
/// Source: bytes_to_unicode in encoder.py of github.com/openai/gpt-2.
namespace byte_alphabet {

uint32_t character_of(uint8_t byte);

/// Appends the spelling of `bytes`.
void append_spelling(std::string& spelling, std::string_view bytes);

/// The bytes that a spelling stands for; nothing if a character of it is outside the alphabet.
std::optional<std::string> bytes_of(std::string_view spelling);

}  // namespace byte_alphabet
}  // namespace crescent
