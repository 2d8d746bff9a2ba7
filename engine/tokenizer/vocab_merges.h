#pragma once
#include <filesystem>
#include <memory>

#include "engine/tokenizer/tokenizer.h"

namespace crescent {

/// GPT-2's own spelling of a tokenizer: vocab.json and merges.txt, and beside them what the
/// transformers library writes about special tokens.
std::shared_ptr<const Tokenizer> read_vocab_merges(const std::filesystem::path& folder);

}  // namespace crescent
