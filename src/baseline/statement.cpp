#include "statement.h"

#include <algorithm>

namespace holdfast::baseline {
namespace {

/// A null pointer would bind NULL, where an empty value is meant.
const char* not_null(std::string_view bytes) { return bytes.data() == nullptr ? "" : bytes.data(); }

}  // namespace

Result<Statement> Statement::prepare(Database& database, std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v3(database.handle(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &raw,
                         nullptr) != SQLITE_OK) {
    return database.failure();
  }
  return Statement(raw);
}

Statement& Statement::reset() {
  sqlite3_reset(statement_.get());
  next_parameter_ = 1;
  bind_code_ = SQLITE_OK;
  return *this;
}

void Statement::check(int code) {
  if (bind_code_ == SQLITE_OK) bind_code_ = code;
}

Statement& Statement::bind(std::int64_t value) {
  check(sqlite3_bind_int64(statement_.get(), next_parameter_++, value));
  return *this;
}

Statement& Statement::bind_text(std::string_view text) {
  check(sqlite3_bind_text64(statement_.get(), next_parameter_++, not_null(text), text.size(), SQLITE_TRANSIENT,
                            SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_blob(std::string_view bytes) {
  check(sqlite3_bind_blob64(statement_.get(), next_parameter_++, not_null(bytes), bytes.size(), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind(const std::optional<Sha256>& digest) {
  if (!digest) {
    check(sqlite3_bind_null(statement_.get(), next_parameter_++));
    return *this;
  }
  check(sqlite3_bind_blob64(statement_.get(), next_parameter_++, digest->data(), digest->size(), SQLITE_TRANSIENT));
  return *this;
}

Result<bool> Statement::step() {
  next_column_ = 0;
  if (bind_code_ != SQLITE_OK) return sqlite_error(sqlite3_db_handle(statement_.get()), bind_code_);
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = sqlite_error(sqlite3_db_handle(statement_.get()), code);
  sqlite3_reset(statement_.get());  // an unfinished statement would keep the transaction open
  return error;
}

Result<void> Statement::run() {
  auto row = step();
  sqlite3_reset(statement_.get());
  if (!row) return row.error();
  return {};
}

std::int64_t Statement::integer() { return sqlite3_column_int64(statement_.get(), next_column_++); }

std::string_view Statement::bytes() {
  const int column = next_column_++;
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(size)};
}

std::optional<Sha256> Statement::digest() {
  const std::string_view raw = bytes();
  Sha256 digest{};
  if (raw.size() != digest.size()) return std::nullopt;
  std::copy(raw.begin(), raw.end(), digest.begin());
  return digest;
}

std::string join_texts(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) (joined += text) += '\0';
  return joined;
}

std::vector<std::string> split_texts(std::string_view joined) {
  std::vector<std::string> texts;
  for (std::size_t end = joined.find('\0'); end != std::string_view::npos; end = joined.find('\0')) {
    texts.emplace_back(joined.substr(0, end));
    joined.remove_prefix(end + 1);
  }
  return texts;
}

Result<std::int64_t> ask_integer(Database& database, std::string_view sql) {
  auto statement = Statement::prepare(database, sql);
  if (!statement) return statement.error();
  auto row = statement->step();
  if (!row) return row.error();
  return *row ? statement->integer() : 0;
}

}  // namespace holdfast::baseline
