#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/tokenizer/vocabulary.h"

namespace crescent {

/// A checked vocabulary: ids 0 .. size-1, each with its spelling in the file and the bytes it
/// stands for.
class TokenTable {
 public:
  /// A token named twice with the same id counts once.
  /// @throws Error naming `where` if a token has two ids, or the ids are not 0 .. size-1, each
  /// once. Checked before anything is sized by an id.
  TokenTable(const Vocabulary& vocabulary, std::string_view where);

  int32_t size() const { return static_cast<int32_t>(spellings_.size()); }
  std::string_view spelling(int32_t id) const { return spellings_[static_cast<size_t>(id)]; }
  /// A spelling with a character outside the byte alphabet stands for itself.
  std::string_view bytes(int32_t id) const { return bytes_[static_cast<size_t>(id)]; }
  std::optional<int32_t> find(std::string_view spelling) const;
  /// Likewise, but not a token that was only added: merging cannot make such a one.
  std::optional<int32_t> find_unadded(std::string_view spelling) const;

 private:
  size_t next_slot(size_t slot) const { return (slot + 1) & (slots_.size() - 1); }
  std::vector<int32_t> unique_places(const Vocabulary& vocabulary, std::string_view where);

  StringPool spellings_;
  StringPool bytes_;
  std::vector<bool> only_added_;  ///< by id
  uint64_t seed_ = 0;
  std::vector<int32_t> slots_;  ///< ids; open addressing, linear probing, at most half full
};

}  // namespace crescent
