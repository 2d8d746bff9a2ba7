#pragma once
// How records become rows. Each call belongs into a transaction of the caller's. For the files of
// this folder.
#include "profiler/store/records.h"

namespace SQLite {
class Database;
}

namespace crescent {

/// @throws Error for what could not be read back: no values, one that is not finite, names twice.
void check_trial(const TrialRecord& trial);

int64_t insert_run(SQLite::Database& db, const RunRecord& run);
int64_t insert_trial(SQLite::Database& db, int64_t run, const TrialRecord& trial);  ///< its id
void insert_warning(SQLite::Database& db, int64_t run, const std::string& text);
void insert_artifact(SQLite::Database& db, int64_t run, const ArtifactRecord& artifact);
void insert_decision(SQLite::Database& db, const DecisionRecord& decision);
/// A run that ended goes on, as this process's.
void set_running(SQLite::Database& db, int64_t run);
void set_finished(SQLite::Database& db, int64_t run, RunStatus status);

/// ns since 1970, and how that reads: '2026-03-01T12:34:56.789Z'.
int64_t now_ns();
std::string utc_text(int64_t ns);

/// The words of the column nodes.kind, by NodeKind.
const char* stored_name(NodeKind kind);
NodeKind node_kind_of(const std::string& name);  ///< @throws Error for an unknown one

}  // namespace crescent
