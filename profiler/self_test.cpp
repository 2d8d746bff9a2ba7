#include "profiler/self_test.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "engine/error.h"
#include "profiler/machine_watch.h"
#include "profiler/sampling.h"

namespace crescent {
namespace {

constexpr double kPower = 0.9;
constexpr double kDifferences[] = {0.01, 0.03, 0.10};

/// Of the whole time, for each comparison's warm-up, which mostly ends sooner.
constexpr double kWarmUpOfEach = 0.02;

void check(const SelfTestOptions& options) {
  const auto positive = [](const char* name, double value) {
    if (!(value > 0 && std::isfinite(value)))
      fail("self_test: {}: expected a positive number, got {}", name, value);
  };
  positive("difference", options.difference);
  positive("time_s_max", options.time_s_max);
  if (!(options.confidence > 0 && options.confidence < 1))
    fail("self_test: confidence: expected 0 < confidence < 1, got {}", options.confidence);
  const size_t needed = values_needed(block_confidence(options.confidence));
  if (options.pairs < static_cast<int>(needed))
    fail("self_test: pairs: expected at least {}, which a confidence of {:.6g} needs, got {}",
         needed, options.confidence, options.pairs);
  if (options.rounds_max < 1)
    fail("self_test: rounds_max: expected at least 1, got {}", options.rounds_max);
}

/// Waits until the clock has gone on by so much. @return by how much it has.
double wait(double ns, Clock& clock) {
  const int64_t start = clock.now_ns();
  int64_t passed;
  do passed = clock.now_ns() - start;
  while (static_cast<double>(passed) < ns);
  return static_cast<double>(passed);
}

/// Runs the comparisons and counts.
class Rounds {
 public:
  Rounds(const Candidate& work, const SelfTestOptions& options, Clock& clock)
      : work_(work), options_(options), clock_(clock), random_(options.seed) {}

  void run_one() {
    const double time_ns = run_equal();
    run_slower(time_ns);
  }

  SelfTest finish() {
    result_.noise_core =
        (quantile(result_.block_logs, 0.8413) - quantile(result_.block_logs, 0.1587)) / 2;
    const double count = static_cast<double>(result_.block_logs.size());
    const double mean =
        std::accumulate(result_.block_logs.begin(), result_.block_logs.end(), 0.0) / count;
    double squares = 0;
    for (const double log : result_.block_logs) squares += (log - mean) * (log - mean);
    result_.noise_deviation = std::sqrt(squares / (count - 1));
    result_.pair_s = median(pair_s_);
    result_.difference_real = median(differences_);
    for (const double difference : kDifferences) {
      SelfTest::Need need{.difference = difference};
      need.pairs = pairs_needed(result_.block_logs, difference, options_.confidence);
      if (need.pairs) need.time_s = static_cast<double>(*need.pairs) * result_.pair_s;
      result_.needs.push_back(need);
    }
    warn();
    return std::move(result_);
  }

 private:
  Comparison compare_with(const Candidate& other) {
    CompareOptions options;
    options.blocks_min = options.blocks_max = options_.pairs;
    options.time_s_max = 1e9;  // the number of blocks alone ends it
    options.warm_up_s_max = kWarmUpOfEach * options_.time_s_max;
    options.confidence = options_.confidence;
    options.same_within = 1e-12;  // every interval that leaves out 1 is a verdict
    options.seed = random_();
    options.machine_warnings = false;
    const Candidate candidates[] = {work_, other};
    Comparison made = compare(candidates, 0, options, clock_);
    cold_ += !made.warm;
    return made;
  }

  /// Returns what the thing took.
  double run_equal() {
    const Comparison made = compare_with(work_);
    const Comparison::Row& row = made.rows[1];
    ++result_.equal.comparisons;
    result_.equal.told += row.verdict == Verdict::faster || row.verdict == Verdict::slower;
    result_.block_logs.insert(result_.block_logs.end(), row.block_logs.begin(),
                              row.block_logs.end());
    result_.time_ns.values.push_back(median(made.rows[0].samples.values));
    pair_s_.push_back((made.time_s - made.warm_up_s) / made.blocks);
    return result_.time_ns.values.back();
  }

  void run_slower(double time_ns) {
    double waited = 0;
    int64_t waits = 0;
    const Candidate delayed{work_.name + ", delayed", [&] {
                              const double time = work_.measure_ns();
                              const double delay = wait(options_.difference * time_ns, clock_);
                              waited += delay;
                              ++waits;
                              return time + delay;
                            }};
    const Comparison made = compare_with(delayed);
    ++result_.slower.comparisons;
    result_.slower.told += made.rows[1].verdict == Verdict::slower;
    result_.slower_wrong += made.rows[1].verdict == Verdict::faster;
    result_.delay_ns.values.push_back(waited / static_cast<double>(waits));
    differences_.push_back(result_.delay_ns.values.back() / median(made.rows[0].samples.values));
  }

  void warn() {
    auto& warnings = result_.warnings;
    const int comparisons = result_.equal.comparisons + result_.slower.comparisons;
    if (cold_ > 0)
      warnings.push_back(fmt::format("{} of {} comparisons began before the times had settled",
                                     cold_, comparisons));
    constexpr int kFew = 20;
    if (result_.equal.comparisons < kFew)
      warnings.push_back(fmt::format(
          "only {} comparison{} of each kind: too few to know how often a verdict is false; raise "
          "time_s_max",
          result_.equal.comparisons, result_.equal.comparisons == 1 ? "" : "s"));
    if (result_.difference_real > 1.5 * options_.difference)
      warnings.push_back(fmt::format(
          "the injected delay took {} of the time in place of {}: the clock's steps are too long "
          "beside one call",
          percent(result_.difference_real), percent(options_.difference)));
  }

  const Candidate& work_;
  const SelfTestOptions& options_;
  Clock& clock_;
  std::mt19937_64 random_;
  SelfTest result_{.delay_ns = {{}, "ns"}, .time_ns = {{}, "ns"}};
  std::vector<double> pair_s_, differences_;
  int cold_ = 0;
};

}  // namespace

double SelfTest::Count::share_max() const {
  return share_at_most(static_cast<size_t>(told), static_cast<size_t>(comparisons));
}

std::optional<int64_t> pairs_needed(std::span<const double> equal_block_logs, double difference,
                                    double confidence) {
  const double shift = std::log1p(difference);
  size_t beyond = 0;  // of the pool, in which every number stands with its negative
  for (const double log : equal_block_logs) beyond += std::abs(log) >= shift;
  const double p =
      static_cast<double>(beyond + 1) / static_cast<double>(2 * equal_block_logs.size() + 1);
  const auto suffice = [&](size_t n) {
    const MedianRank ends = median_rank(n, block_confidence(confidence));
    return ends.confidence >= block_confidence(confidence) &&
           binomial_at_most(ends.rank - 1, n, p) >= kPower;
  };
  size_t enough = values_needed(block_confidence(confidence));
  size_t few = enough - 1;
  while (!suffice(enough)) {
    if (enough >= static_cast<size_t>(SelfTest::kPairsMax)) return std::nullopt;
    few = enough;
    enough = std::min(2 * enough, static_cast<size_t>(SelfTest::kPairsMax));
  }
  while (enough - few > 1) {
    const size_t middle = few + (enough - few) / 2;
    (suffice(middle) ? enough : few) = middle;
  }
  return static_cast<int64_t>(enough);
}

SelfTest self_test(const Candidate& work, const SelfTestOptions& options, Clock& clock) {
  check(options);
  std::optional<MachineWatch> watch;
  if (options.machine_warnings) watch.emplace();
  const int64_t start_ns = clock.now_ns();
  Rounds rounds(work, options, clock);
  for (int done = 1;; ++done) {
    rounds.run_one();
    const double expected = done * options.time_s_max / seconds_since(start_ns, clock);
    const int last = static_cast<int>(std::min<double>(options.rounds_max, expected));
    if (options.on_round) options.on_round(done, std::max(done, last));
    if (done >= last) break;
  }

  SelfTest result = rounds.finish();
  result.time_s = seconds_since(start_ns, clock);
  if (watch)
    for (std::string& warning : watch->warnings()) result.warnings.push_back(std::move(warning));
  return result;
}

}  // namespace crescent
