#pragma once
// Comparing what was stored
//
// Runs that were made one after the other can't be interleaved any more: each is a block of time
// of one machine, or of several, in some mood. What can still be said is how far the medians of
// their samples are apart and how sure each median is of itself; and that everything else that
// changed between the runs counts as a difference too. So every such comparison warns of that.
//
// - The ratio is that of the medians, m_a / m_b.
// - The values of one trial share its moment: they are not independent, and an interval that
//   takes them for it is far too narrow. Where each of two runs has at least 6 trials, the medians
//   of the trials are the values. Else it is the single values, for a ratio and an interval to look
//   at; but then the verdict is 'cannot tell', whatever the interval.
// - The interval is low_a / high_b .. high_a / low_b of the order-statistic intervals of both
//   medians. Each is asked to miss half as often as the whole may (0.995 for 0.99), so that both
//   hold together with the confidence that was asked for, however they depend on each other
//   (Bonferroni). 0.99 takes 9 trials of each run; 6 reach 0.9375.
// - The verdict is verdict_of's (compare.h), so that too few trials can't tell either.
//
// Runs of different definitions are refused, and so are two that were equal in everything that is
// known, unless that is what is to be seen (aa).
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "profiler/compare.h"
#include "profiler/store/store.h"

namespace crescent {

struct StoredCompareOptions {
  std::vector<int64_t> runs;  ///< ids, at least two
  size_t baseline = 0;        ///< its place in runs
  std::string measure;        ///< a sample's name; empty: the one that all runs have
  double confidence = 0.99;
  double same_within = 0.02;
  bool aa = false;  ///< compares runs that are equal in everything
};

struct StoredComparison {
  struct Row {
    int64_t run = 0;
    std::string name, model, started;
    Samples samples;    ///< every value of every trial that was done
    size_t trials = 0;  ///< that have this measure
    double ratio = 1;
    Interval interval{1, 1, 1};
    Verdict verdict = Verdict::no_difference;
    double resolution = 0;
    /// The values are the medians of trials, of this run and the baseline.
    bool by_trial = false;
  };
  std::vector<Row> rows;  ///< in the order of the runs; the baseline's ratio is 1
  size_t baseline = 0;
  std::string measure;
  std::vector<std::string> notes;  ///< what else differs: 'threads: 2 in run 3, 4 in run 7'
  std::vector<std::string> warnings;
};

/// @throws Error for fewer than two runs, one that isn't there, is a comparison of its own, or has
/// no such measure; for runs of different definitions, and for equal ones without `aa`.
StoredComparison compare_stored(const Store& store, const StoredCompareOptions& options);

/// The ratio of two medians and its interval, as said above.
struct MedianRatio {
  double ratio;
  Interval interval;
};
MedianRatio ratio_of_medians(std::span<const double> values, std::span<const double> baseline,
                             double confidence);

// ---- a comparison of live candidates that was stored: a trial for each

inline constexpr const char* kBlockLogs = "block_log";  ///< the sample that holds them, in 'ln'

/// What the run's options say and the trials don't.
struct LiveComparison {
  Comparison comparison;  ///< its verdicts made again from the blocks; samples in their unit
  std::string measure;
  double confidence = 0;
};
/// Nothing if the run is not one, or has not come to an end with a trial for each candidate.
std::optional<LiveComparison> comparison_of(const StoredRun& run,
                                            const std::vector<StoredTrial>& trials);

}  // namespace crescent
