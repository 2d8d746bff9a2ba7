#pragma once
#include "profiler/profile_trial.h"
#include "profiler/store/records.h"

namespace crescent {

/// A profile's trial as the store keeps it: every time of a token, the tree, the packed spans, the
/// statistics (memory by section among them, at the site 'memory'), counters and energy.
TrialRecord record_of(const ProfileTrial& trial);

}  // namespace crescent
