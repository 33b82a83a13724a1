#include "sqlite.h"

#include <cerrno>

#include <fmt/format.h>

namespace holdfast::baseline {
namespace {

constexpr int kBusyMilliseconds = 5000;

int errno_for(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return ENOSPC;
    case SQLITE_READONLY:
      return EROFS;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return EBUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return EUCLEAN;
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return EACCES;
    case SQLITE_NOMEM:
      return ENOMEM;
    default:
      return EIO;
  }
}

}  // namespace

Result<Database> Database::open(const std::string& path, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  Database database(std::unique_ptr<sqlite3, Close>(raw), path);
  if (raw == nullptr) return Error{ENOMEM, fmt::format("{}: no memory to open the database", path)};
  if (code != SQLITE_OK)
    return Error{errno_for(code), fmt::format("{}: cannot open the database: {}", path, sqlite3_errmsg(raw))};
  sqlite3_busy_timeout(raw, kBusyMilliseconds);
  return database;
}

Result<void> Database::execute(const char* sql) {
  if (sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return failure();
}

Error sqlite_error(sqlite3* connection, int code) {
  const char* const file = sqlite3_db_filename(connection, nullptr);
  return {errno_for(code),
          fmt::format("{}: database error: {}", file == nullptr ? "" : file, sqlite3_errmsg(connection))};
}

Result<Transaction> Transaction::begin(Database& database) {
  if (auto begun = database.execute("BEGIN IMMEDIATE"); !begun) return begun.error();
  return Transaction(database);
}

Transaction::~Transaction() {
  // A failed statement may have rolled back already: then there is nothing left to undo.
  if (database_ != nullptr && sqlite3_get_autocommit(database_->handle()) == 0) {
    static_cast<void>(database_->execute("ROLLBACK"));
  }
}

Result<void> Transaction::commit() {
  auto done = database_->execute("COMMIT");
  if (done) database_ = nullptr;
  return done;
}

}  // namespace holdfast::baseline
