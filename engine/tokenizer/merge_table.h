#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/tokenizer/token_table.h"

namespace crescent {

/// The merges of byte pair encoding: which two neighbours become one token, and which go first.
/// Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units",
/// arXiv:1508.07909, section 3.2.
class MergeTable {
 public:
  /// A merge named twice keeps its later place, as in the tokenizers library.
  /// @throws Error naming `where`, the merge and the token that the vocabulary lacks.
  MergeTable(const MergeList& merges, const TokenTable& tokens, std::string_view where);

  /// Memory that several calls share, and what they did.
  struct Scratch {
    std::vector<uint32_t> rank, next, previous;
    std::vector<uint64_t> queue;
    uint64_t steps = 0;  ///< pairs looked at and queue moves: the work, for tests
  };
  /// Merges symbols[first ..] until no neighbours are a merge: the first merge of the file goes
  /// first, and the leftmost of equal ones.
  /// Cost: n log n for n symbols.
  void merge(std::vector<int32_t>& symbols, size_t first, Scratch& scratch) const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Slot {
    int32_t left, right;
    uint32_t rank;  ///< kNone: free
  };

  uint32_t rank_of(int32_t left, int32_t right) const;
  size_t first_slot(int32_t left, int32_t right) const;
  void merge_short(std::vector<int32_t>& symbols, size_t first, Scratch& scratch) const;
  void merge_long(std::vector<int32_t>& symbols, size_t first, Scratch& scratch) const;
  void join(int32_t* word, uint32_t at, size_t count, Scratch& scratch) const;

  uint64_t seed_ = 0;
  std::vector<Slot> slots_;      ///< open addressing with linear probing, at most half full
  std::vector<int32_t> merged_;  ///< by rank
};

}  // namespace crescent
