#include "engine/tokenizer/merge_table.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>
#include <string>

#include "engine/error.h"
#include "engine/formats/describe.h"
#include "engine/interrupt.h"
#include "engine/tokenizer/hash.h"

namespace crescent {
namespace {

// Up to this many symbols, looking at all pairs for each merge beats keeping a queue.
constexpr size_t kShort = 48;
constexpr uint32_t kTurnsBetweenInterruptChecks = 1 << 16;

uint64_t key(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

class Resolver {
 public:
  Resolver(const MergeList& merges, const TokenTable& tokens, std::string_view where)
      : merges_(merges), tokens_(tokens), where_(where) {}

  int32_t id(std::string_view part, size_t index) const {
    if (const auto found = tokens_.find_unadded(part)) return *found;
    fail("{}: merge {} joins {} and {}, but {} is not in the vocabulary", where_, index + 1,
         in_quotes(merges_.left(index)), in_quotes(merges_.right(index)), in_quotes(part));
  }

 private:
  const MergeList& merges_;
  const TokenTable& tokens_;
  std::string_view where_;
};

}  // namespace

MergeTable::MergeTable(const MergeList& merges, const TokenTable& tokens, std::string_view where) {
  if (merges.size() >= kNone) fail("{}: {} merges are too many", where, merges.size());
  const Resolver resolve(merges, tokens, where);
  std::vector<Slot> found(merges.size());
  merged_.resize(merges.size());
  std::string joined;
  for (size_t i = 0; i < merges.size(); ++i) {
    joined.assign(merges.left(i)).append(merges.right(i));
    const int32_t left = resolve.id(merges.left(i), i);
    const int32_t right = resolve.id(merges.right(i), i);
    found[i] = {left, right, static_cast<uint32_t>(i)};
    merged_[i] = resolve.id(joined, i);
    seed_ = mixed(seed_, key(left, right));
  }
  slots_.assign(std::bit_ceil(2 * merges.size() + 1), Slot{0, 0, kNone});
  for (const Slot& merge : found) {
    size_t slot = first_slot(merge.left, merge.right);
    while (slots_[slot].rank != kNone &&
           (slots_[slot].left != merge.left || slots_[slot].right != merge.right)) {
      slot = (slot + 1) & (slots_.size() - 1);
    }
    slots_[slot] = merge;
  }
}

size_t MergeTable::first_slot(int32_t left, int32_t right) const {
  return mixed(seed_, key(left, right)) & (slots_.size() - 1);
}

uint32_t MergeTable::rank_of(int32_t left, int32_t right) const {
  size_t slot = first_slot(left, right);
  while (slots_[slot].rank != kNone && (slots_[slot].left != left || slots_[slot].right != right)) {
    slot = (slot + 1) & (slots_.size() - 1);
  }
  return slots_[slot].rank;
}

void MergeTable::merge(std::vector<int32_t>& symbols, size_t first, Scratch& scratch) const {
  const size_t count = symbols.size() - first;
  if (count < 2) return;
  if (count <= kShort) {
    merge_short(symbols, first, scratch);
  } else {
    merge_long(symbols, first, scratch);
  }
}

void MergeTable::merge_short(std::vector<int32_t>& symbols, size_t first, Scratch& scratch) const {
  int32_t* const word = symbols.data() + first;
  size_t count = symbols.size() - first;
  uint32_t rank[kShort];  // of the pair (i, i + 1)
  for (size_t i = 0; i + 1 < count; ++i) rank[i] = rank_of(word[i], word[i + 1]);
  while (count > 1) {
    const size_t best = static_cast<size_t>(std::min_element(rank, rank + count - 1) - rank);
    scratch.steps += count;
    if (rank[best] == kNone) break;
    word[best] = merged_[rank[best]];
    std::copy(word + best + 2, word + count, word + best + 1);
    std::copy(rank + best + 1, rank + count - 1, rank + best);
    --count;
    if (best > 0) rank[best - 1] = rank_of(word[best - 1], word[best]);
    if (best + 1 < count) rank[best] = rank_of(word[best], word[best + 1]);
  }
  symbols.resize(first + count);
}

// The word is a linked list over its array, and the queue holds (rank << 32 | place of the left
// symbol), smallest first. A rank names one pair, so an entry is stale exactly if the pair at its
// place has another rank now.
void MergeTable::merge_long(std::vector<int32_t>& symbols, size_t first, Scratch& scratch) const {
  const size_t count = symbols.size() - first;
  if (count >= kNone) fail("a word of {} bytes is too long to tokenize", count);
  int32_t* const word = symbols.data() + first;
  scratch.rank.assign(count, kNone);
  scratch.next.resize(count);
  scratch.previous.resize(count);
  std::iota(scratch.next.begin(), scratch.next.end(), 1u);
  std::iota(scratch.previous.begin(), scratch.previous.end(), kNone);  // wraps: kNone, 0, 1, ...
  scratch.queue.clear();
  for (uint32_t i = 0; i + 1 < count; ++i) {
    scratch.rank[i] = rank_of(word[i], word[i + 1]);
    if (scratch.rank[i] != kNone) {
      scratch.queue.push_back(static_cast<uint64_t>(scratch.rank[i]) << 32 | i);
    }
  }
  std::make_heap(scratch.queue.begin(), scratch.queue.end(), std::greater<>{});
  scratch.steps += count;
  for (uint32_t turn = 0; !scratch.queue.empty(); ++turn) {
    if (turn % kTurnsBetweenInterruptChecks == 0) check_interrupt();
    std::pop_heap(scratch.queue.begin(), scratch.queue.end(), std::greater<>{});
    const uint64_t entry = scratch.queue.back();
    scratch.queue.pop_back();
    const auto at = static_cast<uint32_t>(entry);
    if (scratch.rank[at] == static_cast<uint32_t>(entry >> 32)) join(word, at, count, scratch);
    ++scratch.steps;
  }
  size_t kept = 0;
  for (size_t i = 0; i < count; i = scratch.next[i]) word[kept++] = word[i];
  symbols.resize(first + kept);
}

/// Merges the symbol at `at` with the one after it and ranks the two pairs that this made.
void MergeTable::join(int32_t* word, uint32_t at, size_t count, Scratch& scratch) const {
  const uint32_t gone = scratch.next[at];
  const uint32_t after = scratch.next[gone];
  word[at] = merged_[scratch.rank[at]];
  scratch.rank[gone] = kNone;
  scratch.next[at] = after;
  if (after < count) scratch.previous[after] = at;
  const auto rank_pair = [&](uint32_t left, uint32_t right) {
    scratch.rank[left] = rank_of(word[left], word[right]);
    if (scratch.rank[left] == kNone) return;
    scratch.queue.push_back(static_cast<uint64_t>(scratch.rank[left]) << 32 | left);
    std::push_heap(scratch.queue.begin(), scratch.queue.end(), std::greater<>{});
    ++scratch.steps;
  };
  scratch.rank[at] = kNone;
  if (after < count) rank_pair(at, after);
  const uint32_t before = scratch.previous[at];
  if (before != kNone) rank_pair(before, at);
}

}  // namespace crescent
