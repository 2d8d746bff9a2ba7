#include "profiler/store/writer.h"

#include <fmt/format.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "engine/error.h"
#include "profiler/store/connection.h"
#include "profiler/store/insert.h"

namespace crescent {
namespace {

struct Job {
  int64_t run = 0;  ///< whose it is; 0: of none
  bool trial = false;
  std::function<void(SQLite::Database&)> write;
};

std::string counted_trials(int64_t count) {
  return fmt::format("{} trial{}", count, count == 1 ? "" : "s");
}

}  // namespace

class StoreWriter::Thread {
 public:
  Thread(const std::string& path, const WriterOptions& options)
      : connection_(path, {.write = true, .patience = options.patience}) {
    if (options.pages_max > 0)
      connection_.alone(fmt::format("PRAGMA max_page_count = {}", options.pages_max));
    thread_ = std::thread([this] { work(); });
  }

  ~Thread() {
    {
      const std::lock_guard guard(mutex_);
      for (const int64_t run : begun_) queue_.push_back(finishing(run, RunStatus::failed));
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void add(Job job) {
    const std::lock_guard guard(mutex_);
    throw_error();
    push(std::move(job));
  }

  void wait() {
    std::unique_lock lock(mutex_);
    const uint64_t until = added_;
    changed_.wait(lock, [&] { return done_ >= until; });
    throw_error();
  }

  int64_t begin(RunRecord run) {
    // Shared: if the wait ends with an error, the thread may still hold the job.
    const auto id = std::make_shared<int64_t>(0);
    add({.write = [id, run = std::move(run)](auto& db) { *id = insert_run(db, run); }});
    wait();
    const std::lock_guard guard(mutex_);
    begun_.insert(*id);
    return *id;
  }

  /// The run ends even where an error waits to be thrown.
  void finish(int64_t run, RunStatus status) {
    {
      const std::lock_guard guard(mutex_);
      push(finishing(run, status));
      begun_.erase(run);
    }
    wait();
  }

 private:
  // With mutex_ held.
  void push(Job job) {
    queue_.push_back(std::move(job));
    ++added_;
    changed_.notify_all();
  }
  void throw_error() {
    if (!error_) return;
    const std::string message = *std::exchange(error_, std::nullopt);
    throw Error(message);
  }

  Job finishing(int64_t run, RunStatus status) {
    return {.run = run, .write = [this, run, status](auto& db) {
              const bool lost = status == RunStatus::done && damaged_.contains(run);
              set_finished(db, run, lost ? RunStatus::failed : status);
            }};
  }

  // On the thread.
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return ending_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const std::vector<Job> batch = std::exchange(queue_, {});
      lock.unlock();
      const std::optional<std::string> problem = write(batch);
      lock.lock();
      done_ += batch.size();
      if (problem && !error_) error_ = problem;
      changed_.notify_all();
    }
  }

  /// What went wrong first, or nothing.
  std::optional<std::string> write(const std::vector<Job>& batch) {
    try {
      commit(batch);
      return std::nullopt;
    } catch (const StoreError& error) {
      // The others would wait as long, and in vain.
      if (error.is_busy()) return lose(batch, error.what());
      if (batch.size() == 1) return lose(batch, error.what());
    } catch (const std::exception& error) {
      if (batch.size() == 1) return lose(batch, error.what());
    }
    // One of them can't be written; the others may.
    std::optional<std::string> first;
    for (const Job& job : batch) {
      const auto problem = write({job});
      if (!first) first = problem;
    }
    return first;
  }

  void commit(const std::vector<Job>& batch) {
    connection_.transaction([&](SQLite::Database& db) {
      for (const Job& job : batch) job.write(db);
    });
    for (const Job& job : batch) kept_ += job.trial;
  }

  std::string lose(const std::vector<Job>& batch, const std::string& why) {
    int64_t lost = 0;
    for (const Job& job : batch) {
      lost += job.trial;
      if (job.trial) damaged_.insert(job.run);
    }
    const std::string place = connection_.path() + ": ";
    std::string named = why.starts_with(place) ? why : place + why;
    if (lost == 0) return named;
    return fmt::format("{} ({} stored before, {} lost)", named, counted_trials(kept_), lost);
  }

  StoreConnection connection_;  // the thread's, once it runs
  std::set<int64_t> damaged_;   // the thread's: runs that lost a trial
  int64_t kept_ = 0;            // the thread's: trials that were committed

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<Job> queue_;
  std::set<int64_t> begun_;  ///< and not finished
  uint64_t added_ = 0, done_ = 0;
  std::optional<std::string> error_;
  bool ending_ = false;
  std::thread thread_;
};

StoreWriter::StoreWriter(const std::string& path, const WriterOptions& options)
    : thread_(std::make_unique<Thread>(path, options)) {}

StoreWriter::~StoreWriter() = default;

int64_t StoreWriter::begin_run(RunRecord run) { return thread_->begin(std::move(run)); }

void StoreWriter::add_trial(int64_t run, TrialRecord trial) {
  check_trial(trial);
  thread_->add({.run = run, .trial = true, .write = [run, trial = std::move(trial)](auto& db) {
                  insert_trial(db, run, trial);
                }});
}

void StoreWriter::add_warning(int64_t run, std::string text) {
  thread_->add({.run = run, .write = [run, text = std::move(text)](auto& db) {
                  insert_warning(db, run, text);
                }});
}

void StoreWriter::add_artifact(int64_t run, ArtifactRecord artifact) {
  thread_->add({.run = run, .write = [run, artifact = std::move(artifact)](auto& db) {
                  insert_artifact(db, run, artifact);
                }});
}

void StoreWriter::keep_decision(DecisionRecord decision) {
  thread_->add(
      {.write = [decision = std::move(decision)](auto& db) { insert_decision(db, decision); }});
}

void StoreWriter::finish_run(int64_t run, RunStatus status) { thread_->finish(run, status); }

void StoreWriter::flush() { thread_->wait(); }

}  // namespace crescent
