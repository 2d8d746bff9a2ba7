#pragma once
// How a verdict comes about
//
// The times of a shared machine are skewed, full of outliers, and drift: a neighbour starts, the
// clock frequency falls, a page cache fills. The mean of one thing's runs next to the mean of
// another's then compares two moments of the machine. So here nothing is averaged over moments.
//
// 1. Warm-up. All candidates are run in turn until the times of the last three rounds overlap with
//    those of the three before (no trend that stands out from the noise), or until a fifth of the
//    time is spent; `warm` says which.
// 2. Blocks. A block runs the candidates in a random order and then in the reverse of it: A B B A
//    or B A A B, and likewise A C B B C A. Each is timed twice, symmetrically about the block's
//    centre, so that any drift that is linear over a block hits all of them alike. A call shorter
//    than 20 us is repeated within its sample, so that the clock's steps don't count.
// 3. One number a block and candidate: the log of its time over the baseline's, from the geometric
//    means of the two times. Logs, because 'half' and 'twice' are equally far from 'equal'.
// 4. The ratio is the median of the blocks' numbers, and its interval lies between two of them,
//    chosen by the binomial distribution (order statistics). Neither assumes anything about the
//    shape of the noise, and a block that met an outlier counts as one block, however far out.
// 5. The verdict. The whole interval within +-same_within of 1: no difference within that. Else
//    the interval below 1: faster; above 1: slower. Else, or if there were too few blocks for the
//    confidence that was asked for: cannot tell.
//
// Why that can be believed. If two candidates are equal, exchanging their names changes nothing
// but the sign of a block's number, and a fair coin chose the names' order. So the signs are fair
// coin tosses whatever the noise was, drifting, in bursts or depending on what ran before; and the
// interval leaves out 1 only if far too many tosses fall to one side, which is what the binomial
// distribution counts. That holds exactly for a number of blocks fixed beforehand.
//
// When to stop is not fixed beforehand: after at least blocks_min blocks, when all intervals are
// at most width_max wide, or when the time is up. Time is the same whatever the names, so stopping
// by time leaves the tosses fair. The width stays the same when all signs are turned, so stopping
// by it can't prefer faster over slower; but it is a little smaller when many signs agree, and each
// look at it is one more chance to stop at such a moment. Simulated with equal candidates, up to
// 1.6 % instead of 1 % of the intervals leave out 1 if it is looked at after every block, and up to
// 1.2 % if only each time the number of blocks has grown by a quarter. So it is looked at that
// seldom, and the binomial distribution is asked for half the misses that 1 - confidence allows:
// then it is about 0.6 %, and this caution costs one block in ten. Looking at the verdict
// itself, stopping once it is significant, would make false verdicts certain in the end: never
// done. The tests count false verdicts in runs of noise made and recorded;
// `crescent.bench.self_test` counts them on the machine at hand.
//
// The confidence is of each interval: with ten equal candidates beside a baseline, at 0.99, one
// comparison in ten has to be expected to hold a false verdict.
#include <cstdint>
#include <functional>
#include <optional>
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
  double width_max = 0.02;   ///< stop when the interval of the log ratio is this narrow
  double confidence = 0.99;  ///< of each interval: verdicts are wrong at most 1 in 100 times
  /// 'no difference' needs the whole interval this close to 1. Absent: width_max, the finest for
  /// which equal candidates usually get that verdict when the interval is just narrow enough.
  std::optional<double> same_within;
  int blocks_min = 13;  ///< the fewest at which one outlier alone can't set an end of the interval
  int blocks_max = 2000;
  uint64_t seed = 1;                    ///< order of blocks
  std::optional<double> warm_up_s_max;  ///< absent: a fifth of time_s_max
  bool machine_warnings = true;  ///< look at the machine too; off where the clock isn't its own
};

struct Comparison {
  struct Row {
    std::string name;
    Samples samples;   ///< ns, every one that was timed
    double ratio = 1;  ///< time of this over time of the baseline: the median of block ratios
    Interval interval{1, 1, 0};  ///< of the ratio
    Verdict verdict = Verdict::cannot_tell;
    double resolution = 0;  ///< half width of the interval, relative: what could have been told
    std::vector<double> block_logs;  ///< point 3's number of every block; none of the baseline
  };
  std::vector<Row> rows;  ///< in the order of the candidates; the baseline's ratio is 1
  size_t baseline = 0;
  int blocks = 0;
  double same_within = 0;  ///< the x of 'no difference within x'
  double time_s = 0;
  double warm_up_s = 0;  ///< of time_s
  bool warm = false;     ///< warm-up ended because times were stable, not by its own limit
  std::vector<std::string> warnings;  ///< drift, too few blocks, an outlier share, a busy machine
};

/// At least one block is run, however short the time.
/// @throws Error for fewer than two candidates, a baseline that is not among them, options out of
/// range, or a candidate whose time is not a positive number.
Comparison compare(std::span<const Candidate> candidates, size_t baseline,
                   const CompareOptions& options, Clock& clock);

/// What point 4 asks of the binomial distribution so that a confidence holds although the width
/// decides when to stop: half the misses.
double block_confidence(double confidence);
/// The interval of a ratio by the logs of its blocks, as point 4 says. So that blocks which were
/// stored give the verdict that they gave when they were timed.
Interval ratio_of(std::span<const double> block_logs, double confidence);
/// The half width of a ratio's interval, relative.
double resolution_of(const Interval& interval);
/// The verdict on an interval of a ratio, as point 5 above says.
Verdict verdict_of(const Interval& interval, double confidence_asked, double same_within);

struct MeasureOptions {
  int samples_min = 11;
  double time_s_max = 30;
  double width_max = 0.02;  ///< stop when the median's 95 % interval is this narrow, relatively
  bool machine_warnings = true;
};
struct Measurement {
  Samples samples;  ///< ns
  bool warm = false;
  std::vector<std::string> warnings;
};
/// One candidate alone: warm-up until stable, then samples until the interval is narrow or time is
/// up.
Measurement measure(const Candidate& candidate, const MeasureOptions& options, Clock& clock);

}  // namespace crescent
