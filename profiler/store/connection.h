#pragma once
// A connection to a store: found to be one of ours before anything is done to it, and every error
// of SQLite's told with the file and what to try. For the files of this folder: others include
// store.h and writer.h.
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "engine/error.h"
#include "profiler/store/schema.h"

namespace crescent {

/// An error of SQLite's in our words.
class StoreError : public Error {
 public:
  StoreError(const std::string& message, int code) : Error(message), code_(code) {}
  bool is_busy() const;  ///< others held the file locked for longer than patience lasts

 private:
  int code_;
};

struct ConnectionOptions {
  bool write = false;                          ///< also makes the store if there is none
  std::chrono::milliseconds patience{15'000};  ///< with others who hold the file locked
  std::span<const Migration> steps = migrations();
};

class StoreConnection {
 public:
  /// @throws Error for a file that is not a store, a newer one, a damaged one, one that can't be
  /// read or written; it is then as it was before.
  StoreConnection(std::string path, const ConnectionOptions& options);

  const std::string& path() const { return path_; }
  bool writes() const { return options_.write; }
  SQLite::Database& database() { return *database_; }

  /// Calls fn; an error of SQLite's becomes ours.
  template <class F>
  auto told(F&& fn) const -> decltype(fn()) {
    try {
      return fn();
    } catch (const SQLite::Exception& error) {
      refuse(error);
    }
  }

  /// As told, for reading: a value that no crescent wrote is damage.
  template <class F>
  auto read(F&& fn) const -> decltype(fn()) {
    try {
      return told(fn);
    } catch (const StoreError&) {
      throw;
    } catch (const std::exception& error) {
      refuse_value(error.what());
    }
  }

  /// Calls fn within a write transaction, all or nothing, again while others hold the file.
  void transaction(const std::function<void(SQLite::Database&)>& fn);

  /// Runs one statement that can't be in a transaction, again while others hold the file.
  void alone(const std::string& sql);

  /// How an error of SQLite's reads: where, what, and what to try.
  std::string problem(const SQLite::Exception& error) const;
  [[noreturn]] void refuse(const SQLite::Exception& error) const;

  [[noreturn]] void refuse_value(const std::string& why) const;

  int64_t integer(const std::string& sql);  ///< the first column of the first row

 private:
  std::string rescue() const;  ///< a command for the shell
  void check_path() const;
  void check_header() const;
  void check_identity(int64_t application, int64_t version) const;
  void open();
  void prepare_for_writing();
  void check_tables();
  void mark_killed_runs();
  void patiently(const std::function<void()>& fn) const;

  std::string path_;
  ConnectionOptions options_;
  std::unique_ptr<SQLite::Database> database_;
};

}  // namespace crescent
