// SQL by hand. On SQLite's own interface: it says where a statement ends.
#include <fmt/format.h>
#include <sqlite3.h>

#include <memory>
#include <set>

#include "engine/error.h"
#include "engine/interrupt.h"
#include "profiler/store/connection.h"
#include "profiler/store/store.h"

namespace crescent {
namespace {

using Prepared = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;

class Query {
 public:
  Query(sqlite3* db, std::string path, const std::string& sql)
      : db_(db), path_(std::move(path)), sql_(sql) {
    constexpr int kStepsBetweenLooks = 100'000;  // some milliseconds
    sqlite3_progress_handler(
        db_, kStepsBetweenLooks,
        [](void*) { return int{interrupt_requested.load(std::memory_order_relaxed)}; }, nullptr);
  }
  ~Query() { sqlite3_progress_handler(db_, 0, nullptr, nullptr); }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  SqlTable run(const SqlParameters& parameters) {
    prepare();
    bind(parameters);
    SqlTable table;
    read_columns(table);
    for (int code; (code = sqlite3_step(statement_.get())) != SQLITE_DONE;) {
      if (code != SQLITE_ROW) refuse(code);
      read_row(table);
    }
    return table;
  }

 private:
  void prepare() {
    const char* rest = nullptr;
    sqlite3_stmt* made = nullptr;
    const int code =
        sqlite3_prepare_v2(db_, sql_.data(), static_cast<int>(sql_.size()), &made, &rest);
    statement_.reset(made);
    if (code != SQLITE_OK) refuse(code);
    if (!statement_) refuse("expected a statement of SQL, found none");
    if (std::string_view(rest).find_first_not_of(" \t\r\n;") != std::string_view::npos)
      refuse("expected one statement, found more behind it");
  }

  void bind(const SqlParameters& parameters) {
    const int places = sqlite3_bind_parameter_count(statement_.get());
    const auto given = static_cast<int>(parameters.by_position.size() + parameters.by_name.size());
    if (places != given)
      refuse(fmt::format("expected {} parameter{}, got {}", places, places == 1 ? "" : "s", given));
    int place = 0;
    for (const SqlValue& value : parameters.by_position) bind(++place, value);
    for (const auto& [name, value] : parameters.by_name) {
      int found = 0;
      for (const char mark : {':', '@', '$'})
        if (found == 0)
          found = sqlite3_bind_parameter_index(statement_.get(), (mark + name).c_str());
      if (found == 0) refuse(fmt::format("has no parameter ':{}'", name));
      bind(found, value);
    }
  }

  void bind(int place, const SqlValue& value) {
    sqlite3_stmt* const to = statement_.get();
    int code = SQLITE_OK;
    if (const auto* integer = std::get_if<int64_t>(&value))
      code = sqlite3_bind_int64(to, place, *integer);
    else if (const auto* number = std::get_if<double>(&value))
      code = sqlite3_bind_double(to, place, *number);
    else if (const auto* text = std::get_if<std::string>(&value))
      code = sqlite3_bind_text64(to, place, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
    else if (const auto* blob = std::get_if<SqlBytes>(&value))
      code = sqlite3_bind_blob64(to, place, blob->bytes.data(), blob->bytes.size(), SQLITE_STATIC);
    if (code != SQLITE_OK) refuse(code);
  }

  void read_columns(SqlTable& table) {
    std::set<std::string> seen;
    for (int i = 0; i < sqlite3_column_count(statement_.get()); ++i) {
      const std::string name = sqlite3_column_name(statement_.get(), i);
      if (!seen.insert(name).second)
        refuse(fmt::format("two columns are named '{}'; name one of them with AS", name));
      table.columns.push_back(name);
    }
  }

  void read_row(SqlTable& table) {
    std::vector<SqlValue>& row = table.rows.emplace_back();
    for (size_t i = 0; i < table.columns.size(); ++i) row.push_back(value(static_cast<int>(i)));
  }

  SqlValue value(int column) {
    sqlite3_stmt* const from = statement_.get();
    const auto bytes = [&] {
      const auto* data = static_cast<const char*>(sqlite3_column_blob(from, column));
      return std::string(data ? data : "", static_cast<size_t>(sqlite3_column_bytes(from, column)));
    };
    switch (sqlite3_column_type(from, column)) {
      case SQLITE_INTEGER: return int64_t{sqlite3_column_int64(from, column)};
      case SQLITE_FLOAT: return sqlite3_column_double(from, column);
      case SQLITE_TEXT: return bytes();
      case SQLITE_BLOB: return SqlBytes{bytes()};
      default: return std::monostate{};
    }
  }

  [[noreturn]] void refuse(int code) {
    if (code == SQLITE_INTERRUPT) throw Interrupted();
    if (code == SQLITE_READONLY)
      refuse("the store is open for reading; to change it, open it with write = true");
    const std::string said = sqlite3_errmsg(db_);
    if (code != SQLITE_ERROR) throw SQLite::Exception(said, code);
    refuse(said);
  }
  [[noreturn]] void refuse(const std::string& why) const {
    constexpr size_t kShown = 200;
    fail("{}: {}\n  in: {}{}", path_, why, sql_.substr(0, kShown),
         sql_.size() > kShown ? " ..." : "");
  }

  sqlite3* db_;
  std::string path_;
  const std::string& sql_;
  Prepared statement_{nullptr, sqlite3_finalize};
};

}  // namespace

SqlTable Store::query(const std::string& sql, const SqlParameters& parameters) {
  return connection_->told(
      [&] { return Query(connection_->database().getHandle(), path(), sql).run(parameters); });
}

}  // namespace crescent
