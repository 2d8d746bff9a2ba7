#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "profiler/clock.h"
#include "profiler/statistics.h"

namespace crescent {

enum class Verdict { faster, slower, no_difference, cannot_tell };
const char* name_of(Verdict);  ///< 'faster', 'slower', 'no difference', 'cannot tell'

/// One thing to time. A call does the work once and returns what it took, in ns by the clock
/// that the comparison was given (so that setup inside the call can stay untimed).
struct Candidate {
  std::string name;
  std::function<double()> measure_ns;
};

struct CompareOptions {
  double time_s_max = 60;
  double width_max = 0.02;       ///< stop when the interval of the ratio is this narrow (log scale, relative)
  double confidence = 0.99;      ///< of each interval; verdicts are wrong at most 1 - confidence of the time
  double same_within = 0.01;     ///< 'no difference' needs the whole interval inside +-1 %
  int blocks_min = 11;
  int blocks_max = 2000;
  uint64_t seed = 1;             ///< order of blocks
};

struct Comparison {
  struct Row {
    std::string name;
    Samples samples;             ///< ns, every one that was timed
    double ratio = 1;            ///< time of this over time of the baseline: the median of block ratios
    Interval interval{1, 1, 0};
    Verdict verdict = Verdict::cannot_tell;
    double resolution = 0;       ///< half width of the interval, relative: what could have been told
  };
  std::vector<Row> rows;         ///< in the order of the candidates; the baseline's ratio is 1
  size_t baseline = 0;
  int blocks = 0;
  double time_s = 0;
  bool warm = false;             ///< warm-up ended because times were stable, not by its own limit
  std::vector<std::string> warnings;   ///< drift, too few blocks, an outlier share, a busy machine
};

/// ABBA blocks in random order after a warm-up that lasts until stable; each block gives one
/// log-ratio per candidate against the baseline, and the median of those has an order-statistic
/// interval. Stopping looks at the interval's width and the time, never at the verdict.
/// @throws Error for fewer than two candidates or a baseline that is not among them.
Comparison compare(std::span<const Candidate> candidates, size_t baseline,
                   const CompareOptions& options, Clock& clock);

struct MeasureOptions {
  int samples_min = 11;
  double time_s_max = 30;
  double width_max = 0.02;
};
struct Measurement {
  Samples samples;                     ///< ns
  bool warm = false;
  std::vector<std::string> warnings;
};
/// One candidate alone: warm-up until stable, then samples until the interval is narrow or time is up.
Measurement measure(const Candidate& candidate, const MeasureOptions& options, Clock& clock);

}  // namespace crescent
