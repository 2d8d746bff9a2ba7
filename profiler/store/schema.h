#pragma once
#include <span>

namespace SQLite {
class Database;
}

namespace crescent {

/// 'cres': how a store is told from other SQLite files (bytes 68 to 71 of the file).
constexpr int kStoreApplication = 0x63726573;

/// How a store of version - 1 becomes one of this version (bytes 60 to 63 of the file). Steps are
/// only ever added: what one says is on the disks of users.
struct Migration {
  int version;
  const char* sql;
};
std::span<const Migration> migrations();
int store_version();  ///< what this program writes: the last step's

/// Takes a database through the steps that it lacks. Inside of the caller's transaction: all or
/// nothing.
void migrate(SQLite::Database& database, int from, std::span<const Migration> steps);

}  // namespace crescent
