#pragma once
// Writing an experiment's cells. Every call is on disk when it returns: what a cell gave is never
// lost, and a cell that is done is never taken for one that is not.
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "profiler/store/cells.h"
#include "profiler/store/records.h"

namespace crescent {

class StoreConnection;

struct SweepOptions {
  bool fresh = false;      ///< a new run, whatever is stored
  bool accept = false;     ///< also where the last run of that name is another script's
  bool take_over = false;  ///< also where another process seems to be at work on it
  std::chrono::milliseconds patience{15'000};
};

struct RoundRecord {
  int64_t round = 1;
  bool last = true;  ///< then the cell is done
  std::string row;   ///< JSON
  std::string text;  ///< hash of the script's text, kept by add_text before
  std::string build;
  TrialRecord trial;  ///< samples and duration
};

/// One process's work on a run of an experiment. For use by one thread.
class Sweep {
 public:
  /// Takes the newest run of that name and definition that the store has, or begins one. `run.kind`
  /// is experiment; the environment's 'script' is the file that it is from, if there is one.
  /// @throws Error where a living process works on it, and where the newest run of that name is of
  /// another script.
  Sweep(const std::string& path, const RunRecord& run, const SweepOptions& options = {});
  /// Marks the cell that runs as stale and the run as killed, if `close` was not called.
  ~Sweep();
  Sweep(Sweep&&) noexcept;
  Sweep& operator=(Sweep&&) noexcept;

  const std::string& path() const;
  int64_t run() const { return run_; }
  bool resumed() const { return resumed_; }  ///< the run was there before

  /// The grid, whole and in order, and how many rounds make a cell done. Returns the run's cells
  /// that are in it, in that order; those that are not keep what they have, without a position.
  std::vector<StoredCell> declare(const std::vector<CellRecord>& grid, int64_t rounds = 1);

  void begin(int64_t cell);
  void finish_round(int64_t cell, const RoundRecord& round);
  void fail(int64_t cell, const CellFailure& failure, int64_t duration_ns);

  void add_text(const std::string& hash, const std::string& files);
  void add_warning(const std::string& text);
  void close(RunStatus status);

 private:
  void take_run(const RunRecord& run, const SweepOptions& options);

  std::unique_ptr<StoreConnection> connection_;
  int64_t run_ = 0;
  bool resumed_ = false;
  bool open_ = false;
};

/// The cells of a run in the order of its grid, those that are in it no longer last.
std::vector<StoredCell> stored_cells(StoreConnection& connection, int64_t run);

}  // namespace crescent
