#include <algorithm>
#include <numeric>

#include "engine/error.h"
#include "engine/prune/criterion.h"

namespace crescent {
namespace {

/// 0 .. 1 for every unit of all layers together; equal scores share their mean rank.
std::vector<double> ranks_of(const Scores& scores) {
  std::vector<double> flat;
  for (const auto& layer : scores.of) flat.insert(flat.end(), layer.begin(), layer.end());
  std::vector<size_t> order(flat.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return flat[a] < flat[b]; });
  std::vector<double> ranks(flat.size(), 0);
  const double last = std::max<double>(1, static_cast<double>(flat.size()) - 1);
  for (size_t first = 0; first < order.size();) {
    size_t end = first + 1;
    while (end < order.size() && flat[order[end]] == flat[order[first]]) ++end;
    const double mean = static_cast<double>(first + end - 1) / 2;
    for (size_t i = first; i < end; ++i) ranks[order[i]] = mean / last;
    first = end;
  }
  return ranks;
}

}  // namespace

Scores combined(std::span<const WeightedScores> parts) {
  if (parts.empty()) fail("combined: expected at least one criterion");
  double weights = 0;
  for (const WeightedScores& part : parts) weights += part.weight;
  Scores result = parts.front().scores;
  for (auto& layer : result.of) std::fill(layer.begin(), layer.end(), 0.0);
  for (const WeightedScores& part : parts) {
    const std::vector<double> ranks = ranks_of(part.scores);
    size_t at = 0;
    for (auto& layer : result.of) {
      for (double& score : layer) score += part.weight / weights * ranks[at++];
    }
  }
  return result;
}

}  // namespace crescent
