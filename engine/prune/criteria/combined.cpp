#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/error.h"
#include "engine/prune/criterion.h"

namespace crescent {
namespace {

/// 0 .. 1 for every unit of all layers together; equal scores share their mean rank.
std::vector<double> ranks_of(const Scores& scores) {
  std::vector<double> flat;
  for (const auto& layer : scores.of) flat.insert(flat.end(), layer.begin(), layer.end());
  for (const double score : flat) {
    if (std::isnan(score)) fail("combined: a score is not a number");
  }
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

void check_same_units(const Scores& a, const Scores& b) {
  const auto counts = [](const Scores& scores) {
    std::vector<size_t> of_layer;
    for (const auto& layer : scores.of) of_layer.push_back(layer.size());
    return of_layer;
  };
  if (a.kind != b.kind || counts(a) != counts(b)) {
    fail("combined: expected scores of the same {}, got others", name_of(b.kind));
  }
}

}  // namespace

Scores combined(std::span<const WeightedScores> parts) {
  if (parts.empty()) fail("combined: expected at least one criterion");
  double weights = 0;
  Scores result = parts.front().scores;
  for (const WeightedScores& part : parts) {
    if (!(part.weight > 0) || std::isinf(part.weight)) {
      fail("combined: expected weights above 0, got {}", part.weight);
    }
    check_same_units(part.scores, result);
    weights += part.weight;
  }
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
