#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "holdfast/base/result.h"

namespace holdfast::baseline {

/// What went wrong on a connection, as a sentence that names the file; the code is the errno value nearest to SQLite's.
[[nodiscard]] Error sqlite_error(sqlite3* connection, int code);

/// One SQLite connection. Closed with its value, after all its statements. One thread at a time.
class Database {
 public:
  /// `flags`: SQLITE_OPEN_….
  [[nodiscard]] static Result<Database> open(const std::string& path, int flags);

  [[nodiscard]] Result<void> execute(const char* sql);
  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::int64_t changes() const { return sqlite3_changes64(handle_.get()); }
  [[nodiscard]] Error failure() const { return sqlite_error(handle(), sqlite3_errcode(handle())); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  Database(std::unique_ptr<sqlite3, Close> handle, std::string path)
      : handle_(std::move(handle)), path_(std::move(path)) {}
  std::unique_ptr<sqlite3, Close> handle_;
  std::string path_;
};

/// BEGIN IMMEDIATE … COMMIT; rolled back unless committed.
class Transaction {
 public:
  [[nodiscard]] static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  [[nodiscard]] Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace holdfast::baseline
