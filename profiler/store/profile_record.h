#pragma once
#include "profiler/profile_trial.h"
#include "profiler/store/records.h"
#include "profiler/store/store.h"

namespace crescent {

/// A profile's trial as the store keeps it: every time of a token, the tree, the packed spans, the
/// statistics (memory by section among them, at the site 'memory'), counters and energy.
TrialRecord record_of(const ProfileTrial& trial);

/// The same trial, out of a store. Statistics of sections or sites that this crescent doesn't know
/// are left out. @throws Error if the trial holds no spans, or what it holds are none.
ProfileTrial read_profile(const Store& store, const StoredTrial& trial);

}  // namespace crescent
