#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "engine/tokenizer/added_tokens.h"
#include "engine/tokenizer/merge_table.h"
#include "engine/tokenizer/token_table.h"
#include "engine/tokenizer/tokenizer.h"

namespace crescent {

/// The tokenizer of GPT-2: text is cut into words by a pattern, every byte of a word is a symbol,
/// and neighbours merge. Radford et al. 2019, "Language Models are Unsupervised Multitask
/// Learners", section 2.2.
class ByteLevelBpe final : public Tokenizer {
 public:
  struct Parts {
    std::string where;  ///< the file, for messages
    TokenTable tokens;
    MergeTable merges;
    std::vector<AddedToken> added;
    std::vector<int32_t> before, after;  ///< what `special` puts around a text
    std::optional<int32_t> unknown;      ///< stands for a byte that the vocabulary lacks
    bool fuse_unknown = false;           ///< one `unknown` for neighbours of that kind
    bool add_prefix_space = false;       ///< a text that starts with no space gets one
    bool ignore_merges = false;          ///< a word that is a token needs no merging
  };
  explicit ByteLevelBpe(Parts parts);

  std::vector<int32_t> encode(std::string_view text, EncodeOptions options) const override;
  std::string decode(std::span<const int32_t> ids, DecodeOptions options) const override;
  std::string bytes_of(int32_t id) const override;
  int32_t size() const override { return tokens_.size(); }
  std::optional<int32_t> id_of(std::string_view token) const override {
    return tokens_.find(token);
  }
  std::string_view kind() const override { return "byte-level BPE"; }

 private:
  class Encoding;  // one call of encode

  void check_id(int32_t id) const;

  std::string where_;
  TokenTable tokens_;
  MergeTable merges_;
  AddedTokens added_;
  std::vector<int32_t> before_, after_;
  std::optional<int32_t> unknown_;
  bool fuse_unknown_, add_prefix_space_, ignore_merges_;
  std::array<int32_t, 256> byte_ids_;  ///< kMissing where the vocabulary has none
  std::vector<bool> special_;          ///< by id
};

}  // namespace crescent
