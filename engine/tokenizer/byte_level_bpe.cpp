#include "engine/tokenizer/byte_level_bpe.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "engine/error.h"
#include "engine/interrupt.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/gpt2_pattern.h"
#include "engine/tokenizer/hash.h"
#include "engine/tokenizer/unicode.h"

namespace crescent {
namespace {

constexpr int32_t kMissing = -1;

/// Remembers which ids the latest words became, for one call of encode. A slot points into the
/// text and the output of that call, so that nothing is copied and the size is fixed.
class WordCache {
 public:
  /// Memory for a short text would cost more than it saves.
  explicit WordCache(size_t text_bytes) : slots_(text_bytes < kTextBytesMin ? 0 : kSlots) {}

  /// Appends what `word` became before to `ids`, if it is remembered.
  bool append(std::string_view word, std::vector<int32_t>& ids) {
    if (slots_.empty() || word.size() > kWordBytesMax) return false;
    slot_ = &slots_[hash_bytes(word, 0) & (kSlots - 1)];
    if (slot_->word != word) return false;
    const size_t end = ids.size();
    ids.resize(end + slot_->count);
    std::copy_n(ids.begin() + static_cast<ptrdiff_t>(slot_->first), slot_->count,
                ids.begin() + static_cast<ptrdiff_t>(end));
    return true;
  }

  /// Remembers that `word`, which `append` has just not found, became ids[first ..].
  void remember(std::string_view word, size_t first, const std::vector<int32_t>& ids) {
    if (slots_.empty() || word.size() > kWordBytesMax) return;
    *slot_ = {word, first, ids.size() - first};
  }

 private:
  static constexpr size_t kTextBytesMin = 2048;
  static constexpr size_t kSlots = 4096;  // 128 KiB: the common words of a text
  static constexpr size_t kWordBytesMax = 64;
  struct Slot {
    std::string_view word;  ///< empty: free
    size_t first = 0, count = 0;
  };
  std::vector<Slot> slots_;
  Slot* slot_ = nullptr;
};

}  // namespace

class ByteLevelBpe::Encoding {
 public:
  Encoding(const ByteLevelBpe& tokenizer, size_t text_bytes)
      : tokenizer_(tokenizer), cache_(text_bytes) {}

  void append(std::string_view text) {
    if (tokenizer_.add_prefix_space_ && text[0] != ' ') {
      text = prefixed_.emplace_back(" ").append(text);
    }
    for (size_t at = 0; at < text.size();) {
      if (++words_ % kWordsBetweenInterruptChecks == 0) check_interrupt();
      const size_t end = gpt2_word_end(text, at);
      append_word(text.substr(at, end - at));
      at = end;
    }
  }
  void append(int32_t id) { ids_.push_back(id); }
  void append(const std::vector<int32_t>& ids) { ids_.insert(ids_.end(), ids.begin(), ids.end()); }
  std::vector<int32_t> take() { return std::move(ids_); }

 private:
  static constexpr uint64_t kWordsBetweenInterruptChecks = 1 << 14;

  void append_word(std::string_view word) {
    if (cache_.append(word, ids_)) return;
    const size_t first = ids_.size();
    if (!append_whole(word)) {
      append_bytes(word);
      tokenizer_.merges_.merge(ids_, first, scratch_);
    }
    cache_.remember(word, first, ids_);
  }

  bool append_whole(std::string_view word) {
    if (!tokenizer_.ignore_merges_) return false;
    spelling_.clear();
    byte_alphabet::append_spelling(spelling_, word);
    const std::optional<int32_t> id = tokenizer_.tokens_.find_unadded(spelling_);
    if (id) ids_.push_back(*id);
    return id.has_value();
  }

  void append_bytes(std::string_view word) {
    bool after_unknown = false;
    for (const char byte : word) {
      const int32_t id = tokenizer_.byte_ids_[static_cast<uint8_t>(byte)];
      if (id != kMissing) {
        ids_.push_back(id);
      } else if (!tokenizer_.unknown_) {
        fail("{}: no token for the byte 0x{:02X}, and no unk_token", tokenizer_.where_,
             static_cast<uint8_t>(byte));
      } else if (!after_unknown || !tokenizer_.fuse_unknown_) {
        ids_.push_back(*tokenizer_.unknown_);
      }
      after_unknown = id == kMissing;
    }
  }

  const ByteLevelBpe& tokenizer_;
  std::vector<int32_t> ids_;
  MergeTable::Scratch scratch_;
  WordCache cache_;
  std::string spelling_;
  std::deque<std::string> prefixed_;  // what cached words point into: a deque never moves them
  uint64_t words_ = 0;
};

ByteLevelBpe::ByteLevelBpe(Parts parts)
    : where_(std::move(parts.where)),
      tokens_(std::move(parts.tokens)),
      merges_(std::move(parts.merges)),
      added_(parts.added),
      before_(std::move(parts.before)),
      after_(std::move(parts.after)),
      unknown_(parts.unknown),
      fuse_unknown_(parts.fuse_unknown),
      add_prefix_space_(parts.add_prefix_space),
      ignore_merges_(parts.ignore_merges),
      special_(static_cast<size_t>(tokens_.size())) {
  for (int byte = 0; byte < 256; ++byte) {
    std::string spelling;
    unicode::append_character(spelling, byte_alphabet::character_of(static_cast<uint8_t>(byte)));
    byte_ids_[static_cast<size_t>(byte)] = tokens_.find_unadded(spelling).value_or(kMissing);
  }
  for (const AddedToken& token : parts.added) {
    if (token.special) special_[static_cast<size_t>(token.id)] = true;
  }
}

std::vector<int32_t> ByteLevelBpe::encode(std::string_view text, EncodeOptions options) const {
  Encoding encoding(*this, text.size());
  if (options.special) encoding.append(before_);
  for (const AddedTokens::Part& part : added_.split(text)) {
    if (part.id == AddedTokens::kText) {
      encoding.append(part.text);
    } else {
      encoding.append(part.id);
    }
  }
  if (options.special) encoding.append(after_);
  return encoding.take();
}

std::string ByteLevelBpe::decode(std::span<const int32_t> ids, DecodeOptions options) const {
  std::string bytes;
  for (const int32_t id : ids) {
    check_id(id);
    if (!options.skip_special || !special_[static_cast<size_t>(id)]) bytes += tokens_.bytes(id);
  }
  std::string text;
  unicode::append_lossy(text, bytes);
  return text;
}

std::string ByteLevelBpe::bytes_of(int32_t id) const {
  check_id(id);
  return std::string(tokens_.bytes(id));
}

void ByteLevelBpe::check_id(int32_t id) const {
  if (id < 0 || id >= size()) fail("token id {}: expected 0 .. {}", id, size() - 1);
}

}  // namespace crescent
