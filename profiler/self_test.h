#pragma once
// Can comparisons be trusted on this machine today?
//
// compare.h says how a verdict comes about and why it can be believed. Here it is tried out: a
// thing is compared with itself, where every 'faster' or 'slower' is false, and with itself and an
// injected delay, where 'slower' is to be found. The two kinds take turns, so that both meet the
// same machine, and every comparison has exactly `pairs` blocks (with two candidates a block is a
// pair), so that nothing that is seen decides how much is looked at. It ends by the time alone.
//
// The delay waits within the timed part until the clock has gone on by `difference` of what the
// thing took in the comparison with itself just before. A clock can't be hit exactly: what each
// wait really took is measured and kept.
//
// What a difference d needs. The numbers of all blocks of equal candidates are pooled; to each
// stands its negative too, because exchanging equal candidates' names changes its sign and
// nothing else. Were a candidate 1 + d times as slow, every number would be log(1 + d) larger.
// Of n numbers drawn from the pool and moved by that, the interval leaves out 1 if fewer than k are
// below 0, where k is the rank of the interval's ends (median_rank). Each is below 0 with the share
// p of the pool that lies below -log(1 + d), so that the share of such draws in which the
// difference is found is binomial, P(B(n, p) < k), and needs no random numbers. The number of
// pairs is found by bisection over n, as one with which that is at least 0.9 (and with one pair
// less is not; as k grows in steps it may be a few pairs more than the least). p is (c + 1) /
// (m + 1) for c of m in the pool, as a finite pool can't show that something never happens.
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "profiler/compare.h"

namespace crescent {

struct SelfTestOptions {
  int pairs = 30;            ///< blocks of every comparison
  int rounds_max = 100'000;  ///< a round is a comparison of each kind; there is at least one
  double difference = 0.03;  ///< what is injected, as a share of the thing's time
  double time_s_max = 60;
  double confidence = 0.99;
  uint64_t seed = 1;             ///< of the seeds of the comparisons
  bool machine_warnings = true;  ///< look at the machine too; off where the clock isn't its own
  /// Told after each round how many were run, and how many there will be as far as one can see.
  std::function<void(int done, int expected)> on_round = nullptr;
};

struct SelfTest {
  struct Count {
    int comparisons = 0;
    int told = 0;  ///< said that there is a difference; for the slower one: that it is slower
    double share() const { return static_cast<double>(told) / comparisons; }
    /// No larger than this, at 95 %.
    double share_max() const;
  };
  struct Need {
    double difference = 0;
    std::optional<int64_t> pairs;  ///< nothing: over kPairsMax
    double time_s = 0;             ///< of these pairs, warm-up not counted; 0 without
  };
  static constexpr int64_t kPairsMax = 100'000;

  Count equal;                     ///< told is the number of false verdicts
  Count slower;                    ///< told is the number found
  int slower_wrong = 0;            ///< called 'faster' although it is slower
  double difference_real = 0;      ///< delay over time of the thing: the median of the comparisons
  Samples delay_ns;                ///< real length: the mean of a wait, a comparison each
  Samples time_ns;                 ///< of the thing: the median of each comparison with itself
  std::vector<double> block_logs;  ///< of all equal pairs
  double noise_core = 0;           ///< deviation of block_logs by the quantiles of 16 and 84 %
  double noise_deviation = 0;      ///< plain: outliers count
  double pair_s = 0;               ///< what a pair takes: the median
  std::vector<Need> needs;         ///< for 1, 3 and 10 %
  double time_s = 0;
  std::vector<std::string> warnings;
};

/// At least one round is run, however short the time. `work` is timed by `clock`, which has to go
/// on by itself.
/// @throws Error for options out of range: pairs fewer than the confidence needs.
SelfTest self_test(const Candidate& work, const SelfTestOptions& options, Clock& clock);

/// The pairs with which a difference is found in nine of ten cases, by the blocks of equal
/// candidates; nothing if that is over SelfTest::kPairsMax.
std::optional<int64_t> pairs_needed(std::span<const double> equal_block_logs, double difference,
                                    double confidence);

}  // namespace crescent
