#pragma once
#include <optional>
#include <string>
#include <vector>

#include "bindings/args.h"
#include "bindings/core/run_record.h"
#include "profiler/store/writer.h"

namespace crescent {

/// The store's end of a measurement, by the options `store` and `name`; does nothing where nobody
/// asked for it. Made before anything is timed, so that a store that can't be written is told
/// first. An error on the way leaves the run as 'failed'.
class BenchStore {
 public:
  explicit BenchStore(const Args& args);
  bool wanted() const { return path_.has_value(); }
  /// `definition.name` is the name of a run that was given none.
  void begin(RunDefinition definition);
  void begin(RunDefinition definition, const std::vector<Fact>& environment);
  void add(TrialRecord trial);
  /// Waits until what was added is on disk: the writer's work is not to fall into what is timed
  /// next.
  void flush();
  /// Returns the run's number, if there is one.
  std::optional<int64_t> finish(const std::vector<std::string>& warnings);

 private:
  const Args& args_;
  std::optional<std::string> path_;
  std::optional<StoreWriter> writer_;
  int64_t run_ = 0;
};

/// A trial with all times of one thing, in ms a unit, and with what it did in a sample.
struct LatencyUnits {
  double units = 1;    ///< that a sample is made of: tokens of a burst
  int64_t tokens = 0;  ///< that a sample took in or gave out
};
TrialRecord latency_trial(const std::vector<double>& samples_ns, const LatencyUnits& units);

/// The options of the call by these names, as JSON: numbers, whole ones without a point.
NamedTexts numbers_given(const Args& args, std::initializer_list<const char*> names);

}  // namespace crescent
