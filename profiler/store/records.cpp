#include "profiler/store/records.h"

namespace crescent {

const char* name_of(RunKind kind) {
  switch (kind) {
    case RunKind::profile: return "profile";
    case RunKind::bench: return "bench";
    case RunKind::compare: return "compare";
    case RunKind::experiment: return "experiment";
  }
  return "";
}

const char* name_of(RunStatus status) {
  switch (status) {
    case RunStatus::running: return "running";
    case RunStatus::done: return "done";
    case RunStatus::failed: return "failed";
    case RunStatus::killed: return "killed";
  }
  return "";
}

const char* name_of(TrialStatus status) { return status == TrialStatus::done ? "done" : "failed"; }

const char* name_of(TrackLabel label) {
  switch (label) {
    case TrackLabel::measured: return "measured";
    case TrackLabel::estimated: return "estimated";
    case TrackLabel::absent: return "absent";
  }
  return "";
}

}  // namespace crescent
