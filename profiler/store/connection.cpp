#include "profiler/store/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "profiler/store/owner.h"

namespace crescent {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// A store of a few hundred tokens is some tens of KB: with SQLite's usual 4 KiB a page, the pages
/// that fifteen tables and indexes have at least would be most of it.
constexpr int kPageBytes = 1024;
/// The log is brought into the file when it has grown to 4 MiB.
constexpr int kCheckpointPages = 4096;

constexpr size_t kHeaderBytes = 100;
constexpr std::string_view kMagic("SQLite format 3\0", 16);

/// SQLite's file format, section 1.3: big-endian numbers in the first 100 bytes.
int64_t header_number(const std::array<char, kHeaderBytes>& header, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(header[at + i]);
  return value;
}

int primary(int code) { return code & 0xff; }

bool is_busy_code(int code) {
  return primary(code) == SQLITE_BUSY || primary(code) == SQLITE_LOCKED;
}

/// A path for the shell, where it needs quotes.
std::string quoted(const std::string& path) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("/._-+").find(c) != std::string_view::npos;
  };
  if (std::ranges::all_of(path, plain)) return path;
  std::string text = "'";
  for (const char c : path) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

/// Where nothing can be written beside the file and nothing waits in a log, SQLite has to be told
/// that the file won't change: it would make the log's index otherwise.
bool is_immutable(const std::string& path) {
  const fs::path folder = fs::absolute(path).parent_path();
  std::error_code error;
  return ::access(folder.c_str(), W_OK) != 0 && !fs::exists(path + "-wal", error);
}

std::string uri_of(const std::string& path) {
  std::string uri = "file:";
  for (const char c : fs::absolute(path).string())
    uri += std::string_view("?#%").find(c) == std::string_view::npos
               ? std::string(1, c)
               : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return uri + "?immutable=1";
}

}  // namespace

bool StoreError::is_busy() const { return is_busy_code(code_); }

StoreConnection::StoreConnection(std::string path, const ConnectionOptions& options)
    : path_(std::move(path)), options_(options) {
  check_path();
  check_header();
  told([&] { patiently([&] { open(); }); });
  if (options_.write) mark_killed_runs();
}

void StoreConnection::check_path() const {
  if (path_.empty()) fail("expected the path of a store, got ''");
  std::error_code error;
  const fs::file_status status = fs::status(path_, error);
  if (status.type() == fs::file_type::not_found) {
    const fs::path folder = fs::absolute(path_).parent_path();
    if (!fs::is_directory(folder, error))
      fail("{}: there is no folder {}; make it first", path_, folder.string());
    if (!options_.write)
      fail("{}: there is no such store; the first run that is stored makes it", path_);
    return;
  }
  if (fs::is_directory(status))
    fail("{}: expected a store, found a folder; name a file in it: {}", path_,
         (fs::path(path_) / "runs.db").string());
  if (!fs::is_regular_file(status)) fail("{}: expected a store, found no regular file", path_);
  if (::access(path_.c_str(), options_.write ? R_OK | W_OK : R_OK) != 0)
    fail("{}: can't be {}: {}", path_, options_.write ? "written" : "read", std::strerror(errno));
}

/// Looks at the file before SQLite does: what isn't ours stays as it is, to the byte.
void StoreConnection::check_header() const {
  std::error_code error;
  // Somebody makes the store at this moment, or died while doing so; SQLite knows what is true.
  if (fs::exists(path_ + "-journal", error)) return;
  std::ifstream file(path_, std::ios::binary);
  std::array<char, kHeaderBytes> header{};
  file.read(header.data(), header.size());
  if (file.gcount() == 0) {
    if (options_.write) return;
    fail("{}: is empty; the first run that is stored makes a store of it", path_);
  }
  if (file.gcount() < static_cast<std::streamsize>(kHeaderBytes) ||
      std::string_view(header.data(), kMagic.size()) != kMagic)
    fail("{}: expected a store, found a file that is no SQLite database", path_);
  constexpr size_t kVersionAt = 60, kApplicationAt = 68;
  check_identity(header_number(header, kApplicationAt), header_number(header, kVersionAt));
}

void StoreConnection::check_identity(int64_t application, int64_t version) const {
  if (application != kStoreApplication)
    fail(
        "{}: expected a store, found another program's database (application id 0x{:08x}, not "
        "0x{:08x})",
        path_, application, kStoreApplication);
  const int64_t ours = options_.steps.back().version;
  if (version > ours)
    fail(
        "{}: is a store of version {}, made by a newer crescent; this one knows version {} and "
        "leaves it as it is",
        path_, version, ours);
  if (version < ours && !options_.write)
    fail(
        "{}: is a store of version {}; this crescent reads version {}, and brings it there when "
        "the store is opened with write = true",
        path_, version, ours);
}

void StoreConnection::open() {
  const auto patience = static_cast<int>(options_.patience.count());
  if (options_.write) {
    // ':memory:' would be no file.
    const std::string path = path_.front() == ':' ? "./" + path_ : path_;
    database_ = std::make_unique<SQLite::Database>(
        path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, patience);
    prepare_for_writing();
  } else {
    const bool immutable = is_immutable(path_);
    database_ = std::make_unique<SQLite::Database>(
        immutable ? uri_of(path_) : path_,
        SQLite::OPEN_READONLY | (immutable ? SQLite::OPEN_URI : 0), patience);
    check_identity(integer("PRAGMA application_id"), integer("PRAGMA user_version"));
  }
  check_tables();
}

void StoreConnection::prepare_for_writing() {
  SQLite::Database& db = *database_;
  db.exec("PRAGMA foreign_keys = ON");
  db.exec("PRAGMA synchronous = NORMAL");  // a killed process loses nothing, a dead machine little
  if (integer("PRAGMA user_version") < options_.steps.back().version) {
    db.exec(fmt::format("PRAGMA page_size = {}", kPageBytes));
    db.exec("BEGIN IMMEDIATE");
    try {
      const int64_t version = integer("PRAGMA user_version");  // another may have been quicker
      if (version == 0 && integer("SELECT count(*) FROM sqlite_master") == 0)
        db.exec(fmt::format("PRAGMA application_id = {}", kStoreApplication));
      check_identity(integer("PRAGMA application_id"), version);
      migrate(db, static_cast<int>(version), options_.steps);
      db.exec("COMMIT");
    } catch (const std::exception&) {
      db.tryExec("ROLLBACK");
      throw;
    }
  }
  check_identity(integer("PRAGMA application_id"), integer("PRAGMA user_version"));
  // Behind the tables: the file's first bytes then say what it is, whatever is still in the log.
  db.exec("PRAGMA journal_mode = WAL");
  db.exec(fmt::format("PRAGMA wal_autocheckpoint = {}", kCheckpointPages));
}

void StoreConnection::check_tables() {
  constexpr std::array kTables = {"runs",      "environment", "options",      "warnings", "trials",
                                  "artifacts", "statistics",  "token_totals", "tracks",   "samples",
                                  "nodes",     "decisions",   "cells",        "results",  "texts"};
  for (const char* table : kTables)
    if (integer(fmt::format("SELECT count(*) FROM sqlite_master WHERE name = '{}'", table)) == 0)
      throw SQLite::Exception(fmt::format("there is no table {}", table), SQLITE_CORRUPT);
}

/// Runs whose process died can't say so themselves.
void StoreConnection::mark_killed_runs() {
  std::vector<int64_t> dead;
  told([&] {
    SQLite::Statement query(*database_,
                            "SELECT id, owner_pid, owner_ticks, owner_boot, owner_namespace FROM "
                            "runs WHERE status = 'running' AND owner_pid IS NOT NULL");
    while (query.executeStep()) {
      const ProcessIdentity owner{.pid = query.getColumn(1),
                                  .started_ticks = query.getColumn(2),
                                  .boot = query.getColumn(3),
                                  .pid_namespace = query.getColumn(4)};
      if (has_ended(owner)) dead.push_back(query.getColumn(0));
    }
  });
  if (dead.empty()) return;
  transaction([&](SQLite::Database& db) {
    for (const int64_t id : dead) {
      db.exec(fmt::format(
          "UPDATE cells SET status = 'stale' WHERE run = {0} AND status = 'running' AND EXISTS "
          "(SELECT 1 FROM runs WHERE id = {0} AND status = 'running')",
          id));
      db.exec(fmt::format("UPDATE runs SET status = 'killed' WHERE id = {} AND status = 'running'",
                          id));
    }
  });
}

/// Most waiting is SQLite's own (busy_timeout); some locks it gives up at once.
void StoreConnection::patiently(const std::function<void()>& fn) const {
  const auto until = Clock::now() + options_.patience;
  for (;;) {
    try {
      return fn();
    } catch (const SQLite::Exception& error) {
      if (!is_busy_code(error.getErrorCode()) || Clock::now() >= until) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void StoreConnection::transaction(const std::function<void(SQLite::Database&)>& fn) {
  told([&] {
    patiently([&] {
      database_->exec("BEGIN IMMEDIATE");
      try {
        fn(*database_);
        database_->exec("COMMIT");
      } catch (const std::exception&) {
        database_->tryExec("ROLLBACK");  // SQLite may have done it itself
        throw;
      }
    });
  });
}

void StoreConnection::alone(const std::string& sql) {
  told([&] { patiently([&] { database_->exec(sql); }); });
}

int64_t StoreConnection::integer(const std::string& sql) {
  SQLite::Statement query(*database_, sql);
  if (!query.executeStep()) fail("{}: '{}' gave no row", path_, sql);
  return query.getColumn(0);
}

std::string StoreConnection::problem(const SQLite::Exception& error) const {
  const std::string said = error.what();
  switch (primary(error.getErrorCode())) {
    case SQLITE_FULL:
      return fmt::format(
          "{}: the disk is full; what was stored before is kept. Free some space, "
          "or make the store smaller: store:trim",
          path_);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fmt::format(
          "{}: another process holds it locked, for more than {} s; what was stored "
          "before is kept. To see who: fuser {}",
          path_, std::chrono::duration<double>(options_.patience).count(), quoted(path_));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return fmt::format("{}: the store is damaged ({}). To save its rows:\n  {}", path_, said,
                         rescue());
    case SQLITE_READONLY: return fmt::format("{}: can't be written: {}", path_, said);
    case SQLITE_CANTOPEN: return fmt::format("{}: can't be opened: {}", path_, said);
    case SQLITE_IOERR:
      return fmt::format("{}: {}; what was stored before is kept. Look at the disk and its space",
                         path_, said);
    default: return fmt::format("{}: {}", path_, said);
  }
}

/// Rows that can be read go into a new store. Not by the sqlite3 tool's .recover, which is made for
/// this: Debian 12's ends in 'SQL logic error' whatever the file.
std::string StoreConnection::rescue() const {
  return fmt::format(
      "(echo 'PRAGMA application_id = {}; PRAGMA user_version = {};'; sqlite3 {} .dump | sed "
      "'s/^ROLLBACK.*/COMMIT;/') | sqlite3 NEW.db",
      kStoreApplication, options_.steps.back().version, quoted(path_));
}

void StoreConnection::refuse(const SQLite::Exception& error) const {
  throw StoreError(problem(error), error.getErrorCode());
}

void StoreConnection::refuse_value(const std::string& why) const {
  refuse(SQLite::Exception(why, SQLITE_CORRUPT));
}

}  // namespace crescent
