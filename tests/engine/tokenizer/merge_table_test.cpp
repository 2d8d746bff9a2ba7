#include "engine/tokenizer/merge_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/random.h"

namespace crescent {
namespace {

Vocabulary vocabulary_of(const std::vector<std::string>& spellings) {
  Vocabulary vocabulary;
  for (const std::string& spelling : spellings) {
    vocabulary.append(spelling, static_cast<int64_t>(vocabulary.ids.size()));
  }
  return vocabulary;
}

/// Two letters and everything up to 16 of the same letter by doubling, "ab" and "abab" between.
struct Doubling {
  Doubling()
      : tokens(vocabulary_of({"a", "b", "aa", "aaaa", "aaaaaaaa", "ab", "abab", "bb"}), "v") {
    list.append("a", "a");
    list.append("aa", "aa");
    list.append("a", "b");
    list.append("ab", "ab");
    list.append("aaaa", "aaaa");
    list.append("b", "b");
  }
  TokenTable tokens;
  MergeList list;
};

std::vector<int32_t> letters(const std::string& word, const TokenTable& tokens) {
  std::vector<int32_t> symbols;
  for (const char letter : word) symbols.push_back(*tokens.find(std::string(1, letter)));
  return symbols;
}

/// Byte pair encoding as the paper has it: find the first merge of all neighbours, apply, repeat.
std::vector<int32_t> merged_plainly(std::vector<int32_t> symbols, const Doubling& bpe) {
  for (;;) {
    size_t best_rank = bpe.list.size(), best = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      for (size_t rank = 0; rank < best_rank; ++rank) {
        if (bpe.tokens.spelling(symbols[i]) == bpe.list.left(rank) &&
            bpe.tokens.spelling(symbols[i + 1]) == bpe.list.right(rank)) {
          best_rank = rank;
          best = i;
        }
      }
    }
    if (best_rank == bpe.list.size()) return symbols;
    symbols[best] = *bpe.tokens.find(std::string(bpe.list.left(best_rank)) +
                                     std::string(bpe.list.right(best_rank)));
    symbols.erase(symbols.begin() + static_cast<ptrdiff_t>(best) + 1);
  }
}

TEST(MergeTable, MergesShortAndLongWordsAsThePaperDoes) {
  const Doubling bpe;
  const MergeTable merges(bpe.list, bpe.tokens, "m");
  MergeTable::Scratch scratch;
  Random random(11);
  for (int round = 0; round < 400; ++round) {
    std::string word(1 + random.below(150), 'a');
    for (char& letter : word) letter = random.below(5) == 0 ? 'b' : 'a';
    std::vector<int32_t> symbols = letters(word, bpe.tokens);
    const std::vector<int32_t> expected = merged_plainly(symbols, bpe);
    symbols.insert(symbols.begin(), {7, 7});  // what stands before `first` is left alone
    merges.merge(symbols, 2, scratch);
    ASSERT_EQ(std::vector<int32_t>(symbols.begin() + 2, symbols.end()), expected) << word;
    ASSERT_EQ(symbols[0], 7);
  }
}

/// Steps per symbol for a word of `length` letters.
double work(size_t length, const char* pattern) {
  const Doubling bpe;
  const MergeTable merges(bpe.list, bpe.tokens, "m");
  MergeTable::Scratch scratch;
  const std::string letters_of = pattern;
  std::string word;
  while (word.size() < length) word += letters_of;
  std::vector<int32_t> symbols = letters(word, bpe.tokens);
  merges.merge(symbols, 0, scratch);
  return static_cast<double>(scratch.steps) / static_cast<double>(length);
}

TEST(MergeTable, DoesTheSameWorkForEachByteOfAWordOfAMegabyteAsOfAShortOne) {
  for (const char* pattern : {"a", "aab"}) {
    const double large = work(1 << 20, pattern);
    EXPECT_LT(large, 1.1 * work(1 << 12, pattern)) << pattern;
    EXPECT_LT(large, 10) << pattern;
    EXPECT_LT(work(48, pattern), 48) << pattern;
  }
}

TEST(MergeTable, TakesTheLaterPlaceOfAMergeNamedTwice) {
  const TokenTable tokens(vocabulary_of({"a", "b", "c", "ab", "bc"}), "v");
  MergeList list;
  list.append("a", "b");
  list.append("b", "c");
  list.append("a", "b");
  const MergeTable merges(list, tokens, "m");
  MergeTable::Scratch scratch;
  std::vector<int32_t> symbols = {0, 1, 2};
  merges.merge(symbols, 0, scratch);
  EXPECT_EQ(symbols, (std::vector<int32_t>{0, 4}));
}

}  // namespace
}  // namespace crescent
