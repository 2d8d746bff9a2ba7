#include "engine/nearest.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace crescent {
namespace {

constexpr size_t kLengthMax = 64;  // nobody mistypes longer names, and the distance is quadratic

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

/// Edits from one word to the other: a letter inserted, dropped, replaced, or two neighbours
/// swapped, each letter touched once ("optimal string alignment").
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

/// One slip in three letters is a typing mistake; more is another word.
size_t slips_allowed(size_t letters) { return letters < 3 ? 0 : std::min<size_t>(letters / 3, 3); }

}  // namespace

std::string did_you_mean(std::string_view name, std::span<const std::string_view> known) {
  if (name.empty() || name.size() > kLengthMax) return "";
  const std::string wanted = lower_case(name);
  std::string_view best;
  size_t best_distance = slips_allowed(name.size()) + 1;
  for (const std::string_view candidate : known) {
    if (candidate.size() > kLengthMax) continue;
    const std::string offered = lower_case(candidate);
    // A word cut short ('temp' for 'temperature') is as good as one slip.
    const bool cut_short = wanted.size() >= 3 && offered.starts_with(wanted);
    const size_t distance =
        std::min(edit_distance(wanted, offered), cut_short ? size_t{1} : kLengthMax);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best.empty() ? "" : fmt::format(" (did you mean '{}'?)", best);
}

}  // namespace crescent
