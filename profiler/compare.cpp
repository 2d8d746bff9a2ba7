#include "profiler/compare.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "engine/error.h"
#include "profiler/machine_watch.h"
#include "profiler/sampling.h"

namespace crescent {
namespace {

void check(std::span<const Candidate> candidates, size_t baseline, const CompareOptions& options) {
  if (candidates.size() < 2)
    fail("compare: expected at least two candidates, got {}", candidates.size());
  if (baseline >= candidates.size())
    fail("compare: baseline: expected one of {} candidates, got number {}", candidates.size(),
         baseline + 1);
  const auto positive = [](const char* name, double value) {
    if (!(value > 0 && std::isfinite(value)))
      fail("compare: {}: expected a positive number, got {}", name, value);
  };
  positive("time_s_max", options.time_s_max);
  positive("width_max", options.width_max);
  if (options.same_within) positive("same_within", *options.same_within);
  if (options.warm_up_s_max) positive("warm_up_s_max", *options.warm_up_s_max);
  if (!(options.confidence > 0 && options.confidence < 1))
    fail("compare: confidence: expected 0 < confidence < 1, got {}", options.confidence);
  if (options.blocks_min < 1 || options.blocks_max < options.blocks_min)
    fail("compare: expected 1 <= blocks_min <= blocks_max, got {} and {}", options.blocks_min,
         options.blocks_max);
}

double warm_up_s_max(const CompareOptions& options) {
  return options.warm_up_s_max.value_or(kWarmUpShare * options.time_s_max);
}

/// Below n, without the bias of a plain remainder and equal in every standard library.
size_t draw_below(size_t n, std::mt19937_64& random) {
  const uint64_t limit = random.max() - random.max() % n;
  uint64_t bits;
  do bits = random();
  while (bits >= limit);
  return static_cast<size_t>(bits % n);
}

/// The blocks of one comparison: what was timed, and one log-ratio a block and candidate.
class Blocks {
 public:
  Blocks(std::span<CandidateSampler> samplers, size_t baseline, uint64_t seed)
      : samplers_(samplers),
        baseline_(baseline),
        random_(seed),
        order_(samplers.size()),
        samples_(samplers.size()),
        log_ratios_(samplers.size()) {
    std::iota(order_.begin(), order_.end(), size_t{0});
  }

  void run_one() {
    for (size_t i = order_.size(); i > 1; --i)
      std::swap(order_[i - 1], order_[draw_below(i, random_)]);
    std::vector<double> log_time(order_.size(), 0);
    const auto time = [&](size_t candidate) {
      samples_[candidate].push_back(samplers_[candidate].sample_ns());
      log_time[candidate] += std::log(samples_[candidate].back()) / 2;
    };
    std::for_each(order_.begin(), order_.end(), time);
    std::for_each(order_.rbegin(), order_.rend(), time);

    for (size_t i = 0; i < order_.size(); ++i)
      log_ratios_[i].push_back(log_time[i] - log_time[baseline_]);
    levels_.push_back(std::accumulate(log_time.begin(), log_time.end(), 0.0) /
                      static_cast<double>(order_.size()));
  }

  int count() const { return static_cast<int>(levels_.size()); }
  const std::vector<double>& samples(size_t candidate) const { return samples_[candidate]; }
  const std::vector<double>& log_ratios(size_t candidate) const { return log_ratios_[candidate]; }
  /// How slow the machine was in each block: the mean log time of all candidates.
  const std::vector<double>& levels() const { return levels_; }

  /// Of the widest interval, in logs.
  double width(double confidence) const {
    double widest = 0;
    for (size_t i = 0; i < log_ratios_.size(); ++i) {
      if (i == baseline_) continue;
      const Interval interval = median_interval(log_ratios_[i], confidence);
      widest = std::max(widest, interval.high - interval.low);
    }
    return widest;
  }

 private:
  std::span<CandidateSampler> samplers_;
  size_t baseline_;
  std::mt19937_64 random_;
  std::vector<size_t> order_;
  std::vector<std::vector<double>> samples_, log_ratios_;
  std::vector<double> levels_;
};

/// Runs blocks until the intervals are narrow or the time is up. Looks at nothing else: see the
/// header for why.
void run_blocks(Blocks& blocks, const CompareOptions& options, int64_t start_ns, Clock& clock) {
  const int64_t first_block_ns = clock.now_ns();
  const int needed = static_cast<int>(values_needed(block_confidence(options.confidence)));
  int next_look = std::max(options.blocks_min, needed);
  while (blocks.count() < options.blocks_max) {
    blocks.run_one();
    if (blocks.count() >= next_look) {
      if (blocks.width(block_confidence(options.confidence)) <= options.width_max) return;
      next_look += std::max(1, next_look / 4);
    }
    const double block_s = seconds_since(first_block_ns, clock) / blocks.count();
    if (seconds_since(start_ns, clock) + block_s > options.time_s_max) return;
  }
}

Comparison::Row row_of(const Blocks& blocks, size_t candidate, const CompareOptions& options,
                       double same_within) {
  Comparison::Row row;
  row.samples = {blocks.samples(candidate), "ns"};
  const std::vector<double>& logs = blocks.log_ratios(candidate);
  row.ratio = std::exp(median(logs));
  row.interval = ratio_of(logs, options.confidence);
  row.resolution = resolution_of(row.interval);
  row.verdict = verdict_of(row.interval, options.confidence, same_within);
  row.block_logs = logs;
  return row;
}

void warn(Comparison& result, const Blocks& blocks, const CompareOptions& options) {
  auto& warnings = result.warnings;
  if (!result.warm)
    warnings.push_back(fmt::format(
        "the times had not settled when the warm-up's share of the time, {:.2g} s, was spent",
        warm_up_s_max(options)));

  const size_t needed = values_needed(block_confidence(options.confidence));
  const double width = blocks.width(block_confidence(options.confidence));
  if (blocks.levels().size() < needed)
    warnings.push_back(
        fmt::format("only {} blocks in {:.3g} s, and a confidence of {:.6g} needs {}: "
                    "raise time_s_max or make one call shorter",
                    blocks.count(), result.time_s, options.confidence, needed));
  else if (width > options.width_max)
    warnings.push_back(
        fmt::format("stopped by {} with an interval {} wide, where width_max asks "
                    "for {}",
                    blocks.count() >= options.blocks_max
                        ? fmt::format("blocks_max ({})", options.blocks_max)
                        : fmt::format("time_s_max ({:.3g} s)", options.time_s_max),
                    percent(std::expm1(width)), percent(options.width_max)));

  if (const double drift = drift_of(blocks.levels()); drift != 0)
    warnings.push_back(
        fmt::format("the machine drifted: the last third took {} {} than the first; "
                    "the ratios allow for that, the single times don't",
                    percent(std::abs(drift)), drift > 0 ? "longer" : "less"));
  for (const Comparison::Row& row : result.rows)
    if (const double share = outlier_share(row.samples.values); share > 0.1)
      warnings.push_back(
          fmt::format("{} of the times of '{}' are outliers (over five standard "
                      "deviations of the others)",
                      percent(share), row.name));
}

}  // namespace

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::faster: return "faster";
    case Verdict::slower: return "slower";
    case Verdict::no_difference: return "no difference";
    case Verdict::cannot_tell: return "cannot tell";
  }
  return "?";
}

double block_confidence(double confidence) { return 1 - 0.5 * (1 - confidence); }

Interval ratio_of(std::span<const double> block_logs, double confidence) {
  const Interval logs = median_interval(block_logs, block_confidence(confidence));
  return {std::exp(logs.low), std::exp(logs.high), logs.confidence};
}

double resolution_of(const Interval& interval) {
  return std::expm1(std::log(interval.high / interval.low) / 2);
}

Verdict verdict_of(const Interval& interval, double confidence_asked, double same_within) {
  if (interval.confidence < confidence_asked) return Verdict::cannot_tell;
  if (interval.low >= 1 - same_within && interval.high <= 1 + same_within)
    return Verdict::no_difference;
  if (interval.high < 1) return Verdict::faster;
  if (interval.low > 1) return Verdict::slower;
  return Verdict::cannot_tell;
}

Comparison compare(std::span<const Candidate> candidates, size_t baseline,
                   const CompareOptions& options, Clock& clock) {
  check(candidates, baseline, options);
  std::optional<MachineWatch> watch;
  if (options.machine_warnings) watch.emplace();

  const int64_t start_ns = clock.now_ns();
  std::vector<CandidateSampler> samplers(candidates.begin(), candidates.end());
  Comparison result;
  result.baseline = baseline;
  result.same_within = options.same_within.value_or(options.width_max);
  result.warm = warm_up(samplers, warm_up_s_max(options), clock);
  result.warm_up_s = seconds_since(start_ns, clock);
  Blocks blocks(samplers, baseline, options.seed);
  run_blocks(blocks, options, start_ns, clock);
  result.blocks = blocks.count();
  result.time_s = seconds_since(start_ns, clock);

  for (size_t i = 0; i < candidates.size(); ++i) {
    result.rows.push_back(row_of(blocks, i, options, result.same_within));
    result.rows.back().name = candidates[i].name;
    // By definition, whatever the number of blocks.
    if (i == baseline) {
      result.rows.back().interval = {1, 1, 1};
      result.rows.back().verdict = Verdict::no_difference;
      result.rows.back().block_logs.clear();
    }
  }
  if (watch) result.warnings = watch->warnings();
  warn(result, blocks, options);
  return result;
}

}  // namespace crescent
