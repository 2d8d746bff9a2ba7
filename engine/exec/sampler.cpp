#include "engine/exec/sampler.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "engine/error.h"
#include "engine/exec/all_finite.h"

namespace crescent {
namespace {

using Candidate = std::pair<float, int32_t>;  // a logit, later a weight; and its id

constexpr float kImpossible = -std::numeric_limits<float>::infinity();

/// Larger first; of equal ones the smaller id, so that results don't depend on the sort.
bool stands_before(const Candidate& a, const Candidate& b) {
  return a.first != b.first ? a.first > b.first : a.second < b.second;
}

void check(const SamplingOptions& options) {
  if (!(options.temperature >= 0) || !std::isfinite(options.temperature)) {
    fail("option 'temperature': expected a number >= 0, got {}", options.temperature);
  }
  if (options.top_k < 0) fail("option 'top_k': expected an integer >= 0, got {}", options.top_k);
  if (!(options.top_p > 0 && options.top_p <= 1)) {
    fail("option 'top_p': expected 0 < top_p <= 1, got {}", options.top_p);
  }
  if (!(options.repetition_penalty > 0) || !std::isfinite(options.repetition_penalty)) {
    fail("option 'repetition_penalty': expected a number > 0, got {}", options.repetition_penalty);
  }
}

/// Refuses what no distribution can be made of. A logit of -inf is allowed: an id ruled out.
void check(std::span<const float> logits) {
  if (logits.empty()) fail("logits: expected at least one, got none");
  if (all_finite(logits.data(), static_cast<int64_t>(logits.size()))) return;
  bool any = false;
  for (size_t id = 0; id < logits.size(); ++id) {
    if (std::isnan(logits[id]) || logits[id] == -kImpossible) {
      fail("logits: expected finite numbers, got {} at token id {}", logits[id], id);
    }
    any |= logits[id] != kImpossible;
  }
  if (!any) fail("logits: all {} are -inf, so no token can be picked", logits.size());
}

/// The id of the largest, the first of equal ones. Block by block, so that all but the last look
/// for the id are vector instructions.
int32_t largest(std::span<const float> logits) {
  constexpr size_t kLanes = 16, kBlock = 1024;
  float most = kImpossible;
  size_t place = 0;  // of the block with the largest
  for (size_t begin = 0; begin < logits.size(); begin += kBlock) {
    const size_t end = std::min(begin + kBlock, logits.size());
    float lanes[kLanes];
    std::fill(std::begin(lanes), std::end(lanes), kImpossible);
    size_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        const float x = logits[i + lane];
        lanes[lane] = x > lanes[lane] ? x : lanes[lane];
      }
    }
    for (; i < end; ++i) lanes[0] = std::max(lanes[0], logits[i]);
    const float most_here = *std::max_element(std::begin(lanes), std::end(lanes));
    if (most_here > most) most = most_here, place = begin;
  }
  while (logits[place] != most) ++place;
  return static_cast<int32_t>(place);
}

/// Turns logits into weights: the largest gets 1. Returns their sum.
double weigh(std::vector<Candidate>& candidates, double temperature) {
  const float largest = std::max_element(candidates.begin(), candidates.end())->first;
  double sum = 0;
  for (Candidate& candidate : candidates) {
    const double scaled = (static_cast<double>(candidate.first) - largest) / temperature;
    candidate.first = std::exp(static_cast<float>(scaled));
    sum += candidate.first;
  }
  return sum;
}

/// Keeps the fewest candidates whose weights reach `share` of `sum`, and returns what they reach.
/// Sorts a chunk at a time, since the few largest usually suffice.
double keep_nucleus(std::vector<Candidate>& candidates, double sum, double share) {
  constexpr size_t kFirstChunk = 128;
  double reached = 0;
  size_t kept = 0;
  for (size_t chunk = kFirstChunk; kept < candidates.size(); chunk *= 4) {
    const auto begin = candidates.begin() + static_cast<ptrdiff_t>(kept);
    const size_t length = std::min(chunk, candidates.size() - kept);
    const auto end = begin + static_cast<ptrdiff_t>(length);
    std::nth_element(begin, end - 1, candidates.end(), stands_before);
    std::sort(begin, end, stands_before);
    for (auto candidate = begin; candidate != end; ++candidate) {
      reached += candidate->first;
      ++kept;
      if (reached >= share * sum) {
        candidates.resize(kept);
        return reached;
      }
    }
  }
  return reached;
}

}  // namespace

Sampler::Sampler(const SamplingOptions& options) : options_(options), random_(options.seed) {
  check(options);
}

int32_t Sampler::pick(std::span<const float> logits, std::span<const int32_t> seen) {
  check(logits);
  if (options_.temperature == 0 && options_.repetition_penalty == 1) return largest(logits);
  candidates_.resize(logits.size());
  for (size_t id = 0; id < logits.size(); ++id) {
    candidates_[id] = {logits[id], static_cast<int32_t>(id)};
  }
  penalize(logits, seen);
  if (options_.temperature == 0) {
    return std::min_element(candidates_.begin(), candidates_.end(), stands_before)->second;
  }
  const auto top_k = static_cast<size_t>(options_.top_k);
  if (top_k > 0 && top_k < candidates_.size()) {
    const auto last = candidates_.begin() + static_cast<ptrdiff_t>(top_k) - 1;
    std::nth_element(candidates_.begin(), last, candidates_.end(), stands_before);
    candidates_.resize(top_k);
    // The order decides which draw gives which id, so it must not be the library's.
    std::sort(candidates_.begin(), candidates_.end(), stands_before);
  }
  double sum = weigh(candidates_, options_.temperature);
  if (options_.top_p < 1) sum = keep_nucleus(candidates_, sum, options_.top_p);
  return draw(sum);
}

/// From the given logits each time, so that an id seen twice is not penalised twice.
void Sampler::penalize(std::span<const float> logits, std::span<const int32_t> seen) {
  if (options_.repetition_penalty == 1) return;
  const auto penalty = static_cast<float>(options_.repetition_penalty);
  for (const int32_t id : seen) {
    if (id < 0 || static_cast<size_t>(id) >= logits.size()) {
      fail("seen token id {}: expected 0 .. {}", id, logits.size() - 1);
    }
    const float logit = logits[static_cast<size_t>(id)];
    const float penalized = logit > 0 ? logit / penalty : logit * penalty;
    if (std::isinf(penalized) && logit != kImpossible) {
      fail("option 'repetition_penalty': {} makes the logit {} of token id {} infinite",
           options_.repetition_penalty, logit, id);
    }
    candidates_[static_cast<size_t>(id)].first = penalized;
  }
}

/// Walks the candidates until their weights pass a uniform share of `sum`.
int32_t Sampler::draw(double sum) {
  double left = random_.uniform() * sum;
  int32_t last = candidates_.front().second;
  for (const auto& [weight, id] : candidates_) {
    if (weight == 0) continue;
    last = id;
    left -= weight;
    if (left < 0) break;
  }
  return last;  // also where rounding leaves a rest at the end
}

}  // namespace crescent
