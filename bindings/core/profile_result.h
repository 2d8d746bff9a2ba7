#pragma once
#include <lua.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/args.h"
#include "profiler/environment.h"
#include "profiler/machine.h"
#include "profiler/profile_trial.h"
#include "profiler/statistics.h"

namespace crescent {

// How a profile becomes a Lua table, whether it was made just now or comes from a store.

/// What this machine can do at most, where that is known.
struct ProfileLimits {
  std::optional<double> gb_s, gflop_s;
  std::string absent;  ///< why one of them is not known
};

/// As facts that are stored with a run, and back.
void add_limits(std::vector<Fact>& environment, const ProfileLimits& limits);
ProfileLimits limits_of(const std::vector<std::pair<std::string, std::string>>& environment);

/// What the profiler itself takes.
struct ProfileCost {
  int64_t spans = 0;
  double span_ns = 0;             ///< measured, of one
  std::optional<Interval> share;  ///< measured: of a decode step's plain time; may be negative
  std::string absent;             ///< why that is not known
};

struct ProfileEnergy {
  std::string source;  ///< 'rapl', 'none'
  std::optional<IdlePower> idle;
};

/// Bytes that are held for as long as a profile lasts.
struct HeldBytes {
  int64_t weights_stored = 0, weights_widened = 0, weights_transposed = 0;
  int64_t weights_packed = 0;
  std::optional<int64_t> cache;  ///< of the session; nothing where a script has its own
  int64_t arena = 0;             ///< of the session, at levels 2 and 3
};

/// All that a profile tells.
struct ProfileReport {
  std::string mode;
  int32_t every_layer = 1;
  std::string model;  ///< as it prints; empty where none or several ran
  std::optional<int> level;
  int threads = 1;
  std::optional<int64_t> prompt_tokens;
  std::vector<ProfileTrial> trials;  ///< at least one
  ProfileLimits limits;
  std::optional<HeldBytes> held;
  std::optional<ProcessMemory> process;  ///< when what is profiled was over
  std::optional<ProfileCost> cost;
  std::optional<ProfileEnergy> energy;
  std::vector<std::pair<std::string, std::string>> absent;  ///< names and reasons
  std::vector<std::string> warnings;
  std::vector<Fact> environment;
  std::optional<int64_t> run;  ///< its number in the store
};

void push_profile(lua_State* L, ProfileReport report);

/// What the table of a profile was made from: traces need its spans.
using TrialHandle = std::shared_ptr<const ProfileTrial>;
/// The last trial of the profile at argument `index`. @throws ArgError if it is no such table.
TrialHandle trial_of(const Args& args, int index);

}  // namespace crescent
