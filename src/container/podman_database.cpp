#include "podman_database.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>

#include <fmt/format.h>

#include "holdfast/container/oci.h"
#include "holdfast/container/state_files.h"

#include "bolt.h"
#include "path_view.h"

namespace holdfast::container {
namespace {

constexpr const char* kBoltFile = "libpod/bolt_state.db";
constexpr const char* kPlaces[] = {"db.sql", "libpod/db.sql"};  // by Podman's version and configuration
constexpr off_t kChangeCounter =
    24;  // in the header (sqlite.org/fileformat2.html, 1.3): another one after each transaction
constexpr int kReadTries = 5;
constexpr std::chrono::milliseconds kUntilNextTry{2};
constexpr int kStepsACheck = 1000, kMostChecks = 100;  // a lookup by the index takes fewer than 100 steps

/// Podman keeps a rollback journal beside the database for as long as it writes.
bool is_being_written(int directory, const std::string& file) {
  const auto journal = open_state_file(directory, file + "-journal");
  if (!journal) return journal.error().code != ENOENT;
  struct stat st {};
  return ::fstat(journal->get(), &st) != 0 || st.st_size > 0;
}

std::optional<std::uint32_t> change_counter(int file) {
  std::uint32_t bytes = 0;  // compared only, so their order does not matter
  if (::pread(file, &bytes, sizeof bytes, kChangeCounter) != ssize_t{sizeof bytes}) return std::nullopt;
  return bytes;
}

/// The whole database as no transaction was changing it meanwhile. Takes no lock, for which Podman would have to wait.
std::optional<std::string> read_settled(int directory, const std::string& file) {
  const auto opened = open_state_file(directory, file);
  if (!opened) return std::nullopt;
  for (int i = 0; i < kReadTries; ++i) {
    if (i > 0) std::this_thread::sleep_for(kUntilNextTry);
    const auto before = change_counter(opened->get());
    if (!before || is_being_written(directory, file)) continue;
    auto database = read_state_file(directory, file, kStateFileLimit);
    if (database && !is_being_written(directory, file) && change_counter(opened->get()) == before) {
      return std::move(*database);
    }
  }
  return std::nullopt;
}

struct CloseConnection {
  void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;

struct FinalizeQuery {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

/// Counts the checks of one query; not 0 ends it.
int take_check(void* left) { return --*static_cast<int*>(left) < 0 ? 1 : 0; }

/// A connection that trusts nothing (sqlite.org/security.html); `checks_left` lives as long.
Connection open_wary(std::string_view database, int& checks_left) {
  sqlite3* raw = nullptr;
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(":memory:", &raw, kFlags, nullptr) != SQLITE_OK) return Connection(raw);
  Connection connection(raw);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_drop_modules(raw, nullptr);  // no virtual table
  sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, static_cast<int>(kBundleLimit));
  sqlite3_progress_handler(raw, kStepsACheck, take_check, &checks_left);
  auto* const bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(database.data()));  // never written: READONLY
  const auto size = static_cast<sqlite3_int64>(database.size());
  sqlite3_deserialize(raw, "main", bytes, size, size, SQLITE_DESERIALIZE_READONLY);
  sqlite3_exec(raw, "PRAGMA cell_size_check = ON", nullptr, nullptr, nullptr);
  return connection;
}

Error no_answer(sqlite3* connection) {
  return {EUCLEAN, fmt::format("Podman's database cannot be read: {}",
                               connection == nullptr ? "no memory" : sqlite3_errmsg(connection))};
}

}  // namespace

Result<std::optional<std::string>> podman_config_of(std::string_view database, const std::string& id) {
  int checks_left = kMostChecks;
  const Connection connection = open_wary(database, checks_left);
  sqlite3_stmt* raw = nullptr;
  constexpr const char* kQuery = "SELECT JSON FROM ContainerConfig WHERE ID = ?";
  if (!connection || sqlite3_prepare_v2(connection.get(), kQuery, -1, &raw, nullptr) != SQLITE_OK) {
    return no_answer(connection.get());
  }
  const std::unique_ptr<sqlite3_stmt, FinalizeQuery> query(raw);
  sqlite3_bind_text(raw, 1, id.data(), static_cast<int>(id.size()), SQLITE_STATIC);
  const int code = sqlite3_step(raw);
  if (code == SQLITE_DONE) return std::optional<std::string>();
  if (code != SQLITE_ROW) return no_answer(connection.get());
  const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(raw, 0));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(raw, 0));
  return std::optional(text == nullptr ? std::string() : std::string(text, size));
}

std::optional<std::string> read_podman_config(int storage, int run_root, const std::string& id) {
  const auto look = [&id](int directory, const std::string& file) -> std::optional<std::string> {
    const auto database = read_settled(directory, file);
    if (!database) return std::nullopt;
    auto config = podman_config_of(*database, id);
    return config ? std::move(*config) : std::nullopt;
  };
  for (const char* const file : kPlaces) {
    if (auto config = look(storage, file)) return config;
  }
  if (run_root >= 0) {
    if (auto config = look(run_root, kPlaces[0])) return config;
  }
  auto found = find_in_bolt(storage, kBoltFile, {"ctr", id}, "config", {}, 0);
  return found ? std::move(found->value) : std::nullopt;
}

}  // namespace holdfast::container
