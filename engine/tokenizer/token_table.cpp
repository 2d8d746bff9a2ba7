#include "engine/tokenizer/token_table.h"

#include <bit>
#include <limits>
#include <string>

#include "engine/error.h"
#include "engine/formats/describe.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/hash.h"

namespace crescent {
namespace {

constexpr int32_t kFree = -1;

/// Places in the vocabulary, ordered by id.
std::vector<int32_t> by_id(const std::vector<int32_t>& places, const Vocabulary& vocabulary,
                           std::string_view where) {
  const auto spelling = [&](int32_t place) {
    return in_quotes(vocabulary.spellings[static_cast<size_t>(place)]);
  };
  const auto count = static_cast<int64_t>(places.size());
  std::vector<int32_t> order(places.size(), kFree);
  for (const int32_t place : places) {
    const int64_t id = vocabulary.ids[static_cast<size_t>(place)];
    if (id < 0 || id >= count) {
      fail("{}: token {} has id {}, but {} tokens must have the ids 0 .. {}", where,
           spelling(place), id, count, count - 1);
    }
    int32_t& holder = order[static_cast<size_t>(id)];
    if (holder != kFree) {
      fail("{}: tokens {} and {} both have id {}", where, spelling(holder), spelling(place), id);
    }
    holder = place;
  }
  return order;
}

}  // namespace

TokenTable::TokenTable(const Vocabulary& vocabulary, std::string_view where) {
  const size_t named = vocabulary.ids.size();
  if (named == 0) fail("{}: the vocabulary is empty", where);
  if (named > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    fail("{}: {} tokens do not fit 32-bit ids", where, named);
  }
  const std::vector<int32_t> places = unique_places(vocabulary, where);
  spellings_.reserve(places.size());
  bytes_.reserve(places.size());
  for (const int32_t place : by_id(places, vocabulary, where)) {
    const std::string_view spelling = vocabulary.spellings[static_cast<size_t>(place)];
    spellings_.append(spelling);
    const std::optional<std::string> bytes = byte_alphabet::bytes_of(spelling);
    bytes_.append(bytes ? *bytes : spelling);
    only_added_.push_back(static_cast<size_t>(place) >= named - vocabulary.added);
  }
  for (int32_t& slot : slots_) {
    if (slot != kFree) slot = static_cast<int32_t>(vocabulary.ids[static_cast<size_t>(slot)]);
  }
}

/// Fills the slots with places in the vocabulary; the ids are not yet to be trusted.
std::vector<int32_t> TokenTable::unique_places(const Vocabulary& vocabulary,
                                               std::string_view where) {
  const size_t named = vocabulary.ids.size();
  seed_ = hash_bytes(vocabulary.spellings.text(), 0);
  slots_.assign(std::bit_ceil(2 * named), kFree);
  std::vector<int32_t> places;
  places.reserve(named);
  for (size_t place = 0; place < named; ++place) {
    const std::string_view spelling = vocabulary.spellings[place];
    size_t slot = hash_bytes(spelling, seed_) & (slots_.size() - 1);
    const auto differs = [&] {
      return vocabulary.spellings[static_cast<size_t>(slots_[slot])] != spelling;
    };
    while (slots_[slot] != kFree && differs()) slot = next_slot(slot);
    if (slots_[slot] == kFree) {
      slots_[slot] = static_cast<int32_t>(place);
      places.push_back(slots_[slot]);
      continue;
    }
    const int64_t known = vocabulary.ids[static_cast<size_t>(slots_[slot])];
    if (known != vocabulary.ids[place]) {
      fail("{}: token {} has two ids, {} and {}", where, in_quotes(spelling), known,
           vocabulary.ids[place]);
    }
  }
  return places;
}

std::optional<int32_t> TokenTable::find(std::string_view spelling) const {
  size_t slot = hash_bytes(spelling, seed_) & (slots_.size() - 1);
  for (; slots_[slot] != kFree; slot = next_slot(slot)) {
    if (this->spelling(slots_[slot]) == spelling) return slots_[slot];
  }
  return std::nullopt;
}

std::optional<int32_t> TokenTable::find_unadded(std::string_view spelling) const {
  const std::optional<int32_t> id = find(spelling);
  return id && !only_added_[static_cast<size_t>(*id)] ? id : std::nullopt;
}

}  // namespace crescent
