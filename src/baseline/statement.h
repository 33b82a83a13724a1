#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/base/sha256.h"

#include "sqlite.h"

namespace holdfast::baseline {

/// A list of texts as one column: each is ended by a NUL byte, which none of them has.
[[nodiscard]] std::string join_texts(const std::vector<std::string>& texts);
[[nodiscard]] std::vector<std::string> split_texts(std::string_view joined);

/// One prepared statement. Binds in the order of its question marks, reads columns in the order of its SELECT.
/// Lives shorter than its database.
class Statement {
 public:
  [[nodiscard]] static Result<Statement> prepare(Database& database, std::string_view sql);

  /// Starts anew; bindings follow.
  Statement& reset();
  Statement& bind(std::int64_t value);
  Statement& bind(std::uint64_t value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind_text(std::string_view text);
  Statement& bind_blob(std::string_view bytes);
  Statement& bind(const std::optional<Sha256>& digest);

  /// True: there is a row; its columns are read from the first on. False: done.
  [[nodiscard]] Result<bool> step();
  /// For statements without rows.
  [[nodiscard]] Result<void> run();

  [[nodiscard]] std::int64_t integer();
  [[nodiscard]] std::uint64_t number() { return static_cast<std::uint64_t>(integer()); }
  /// Valid until the next step.
  [[nodiscard]] std::string_view bytes();
  [[nodiscard]] std::optional<Sha256> digest();

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  void check(int code);
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int next_parameter_ = 1;
  int next_column_ = 0;
  int bind_code_ = SQLITE_OK;  ///< the first that failed; told by step()
};

/// The integer in the first column of the first row; 0 if there is none.
[[nodiscard]] Result<std::int64_t> ask_integer(Database& database, std::string_view sql);

}  // namespace holdfast::baseline
