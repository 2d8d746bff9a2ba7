#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bindings/args.h"
#include "bindings/core/profile_result.h"
#include "bindings/core/run_record.h"
#include "engine/exec/allocations.h"
#include "engine/model/model.h"
#include "profiler/activation_statistics.h"
#include "profiler/profile_trial.h"
#include "profiler/recorder.h"
#include "profiler/sensor/sampler.h"

namespace crescent {

/// What a profile looks at: a mode, or a list of the caller's own.
struct ProfileSpec {
  std::string mode;
  std::string collected;  ///< all that the mode or the caller asked for, in words
  RecorderOptions recorder;
  StatisticsOptions statistics;
  bool memory = false;    ///< of tensors, by section
  bool counters = false;  ///< of the process and the machine, over time
};
/// Reads `mode`, `collect`, `every` and the thresholds.
ProfileSpec read_profile_spec(const Args& args);

/// One recording with all that goes with it.
class Recordings {
 public:
  /// @param sensor  read before and after, and sampled meanwhile; may be null
  explicit Recordings(const ProfileSpec& spec, EnergySensor* sensor = nullptr);
  Recorder& recorder() { return *recorder_; }
  const Recorder& recorder() const { return *recorder_; }
  /// Ends it. @param model  whose work is counted; may be null.
  ProfileTrial finish(const Model* model);

 private:
  ProfileSpec spec_;
  SteadyClock clock_;
  std::optional<AllocationWatch> allocations_;
  ActivationStatistics statistics_;
  std::optional<SectionMemoryListener> memory_;
  EnergySensor* sensor_;
  std::optional<EnergyReading> energy_;
  std::optional<CounterSampler> sampler_;
  std::optional<Recorder> recorder_;
};

/// Why operations are missing that a reader may look for: { "scale+mask", "..." }.
std::vector<std::pair<std::string, std::string>> absent_parts(const Model& model,
                                                              const ProfileSpec& spec);

/// What the recorder costs a decode step, by timing steps with and without it in turn.
struct MeasuredCost {
  std::optional<Interval> share;  ///< of the plain time; may be negative
  std::string absent;             ///< why there is none
};
MeasuredCost measure_cost(const std::shared_ptr<const Model>& model, const ProfileSpec& spec,
                          double time_s);

/// What is known of a model that was profiled, and what the machine could do for it at most.
void describe_model(const std::shared_ptr<const Model>& model, ProfileReport& report);
/// 'gpt2  12 layers  d_model 768  level 1  124,439,808 parameters', on one line.
std::string print_of(const Model& model);

int profile_run(Args& args);

}  // namespace crescent
