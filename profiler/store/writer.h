#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "profiler/store/records.h"

namespace crescent {

struct WriterOptions {
  /// How long others may hold the file locked before that is an error.
  std::chrono::milliseconds patience{15'000};
  int64_t pages_max = 0;  ///< the file may not grow beyond: a full disk for tests. 0: no limit
};

/// Writes to a store on a thread of its own, so that whoever measures doesn't wait for the disk.
/// What waits together is committed together; of a trial all is stored or nothing.
///
/// What goes wrong on the thread is thrown once, by the call that comes next. The other trials that
/// wait are still tried, and the run whose trial was lost ends as 'failed'. For use by one thread.
class StoreWriter {
 public:
  /// Opens the store, or makes it. @throws Error as Store does.
  explicit StoreWriter(const std::string& path, const WriterOptions& options = {});
  /// Writes what waits and ends as 'failed' the runs that were not finished. Never throws.
  ~StoreWriter();
  StoreWriter(const StoreWriter&) = delete;
  StoreWriter& operator=(const StoreWriter&) = delete;

  /// Waits until the run is on disk. Returns its id.
  int64_t begin_run(RunRecord run);
  /// Returns at once. @throws Error for a trial that can't be stored: no values, not finite ones.
  void add_trial(int64_t run, TrialRecord trial);
  void add_warning(int64_t run, std::string text);
  void add_artifact(int64_t run, ArtifactRecord artifact);  ///< in place of one of that name
  void keep_decision(DecisionRecord decision);              ///< likewise
  /// Waits until all of it is on disk.
  void finish_run(int64_t run, RunStatus status);
  /// Waits until all that was added is on disk. @throws Error with the file and the reason why it
  /// isn't, how much was stored, and what to try.
  void flush();

 private:
  class Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace crescent
