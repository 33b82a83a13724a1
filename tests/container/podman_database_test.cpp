#include "../../src/container/podman_database.h"

#include <fcntl.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

#include "holdfast/base/unique_fd.h"

#include "stage.h"

using namespace holdfast;
using namespace holdfast::container;

namespace {

const std::filesystem::path kFixtures = HOLDFAST_FIXTURES;
/// The container that Podman 5.4 left in podman-db.sql: created with --label tier=front.
const std::string kLabelled = "a7ad8e726bd32115d74c6e392860e4010bf50a2e52de89bedbb64ff15cf433d9";
/// The one of podman-bolt.db.
const std::string kInBolt = "6de60c55839aecc11b04abbe59c2f19870cbf14b3b7fdf6fa593be68ea8e1003";

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// The bytes of a database that these statements make.
std::string made_by(const char* sql) {
  sqlite3* connection = nullptr;
  REQUIRE(sqlite3_open(":memory:", &connection) == SQLITE_OK);
  char* error = nullptr;
  sqlite3_exec(connection, sql, nullptr, nullptr, &error);
  REQUIRE_MESSAGE(error == nullptr, error);
  sqlite3_int64 size = 0;
  unsigned char* const bytes = sqlite3_serialize(connection, "main", &size, 0);
  std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  sqlite3_free(bytes);
  sqlite3_close(connection);
  return out;
}

/// containers/storage's directory with what an engine keeps in it.
struct PodmanStorage {
  stage::TemporaryDirectory directory;
  std::filesystem::path path{directory.path()};
  UniqueFd fd{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};

  PodmanStorage() { std::filesystem::create_directory(path / "libpod"); }
  void put(const char* fixture, const char* place) { std::filesystem::copy_file(kFixtures / fixture, path / place); }
  [[nodiscard]] std::optional<std::string> config(const std::string& id) const {
    return read_podman_config(fd.get(), -1, id);
  }
};

}  // namespace

TEST_CASE("Podman's SQLite database has a container's configuration") {
  const std::string database = bytes_of(kFixtures / "podman-db.sql");
  const auto config = podman_config_of(database, kLabelled);
  REQUIRE_MESSAGE(config, config.error().message);
  REQUIRE(*config);
  CHECK((*config)->find(R"("labels":{"tier":"front"})") != std::string::npos);
  const auto none = podman_config_of(database, "other");
  REQUIRE(none);
  CHECK(!*none);
}

TEST_CASE("an SQLite database that is damaged anywhere is an error or an answer, never a crash") {
  CHECK(!podman_config_of("", kLabelled));
  const std::string good = bytes_of(kFixtures / "podman-db.sql");
  CHECK(!podman_config_of(good.substr(0, 50), kLabelled));
  CHECK(!podman_config_of(std::string(8192, 'x'), kLabelled));
  std::string bytes = good;
  for (std::size_t at = 0; at < bytes.size(); at += at < 4096 ? 7 : 331) {
    for (const char other : {'\0', '\x7f', '\xff'}) {
      const char kept = bytes[at];
      bytes[at] = other;
      const auto config = podman_config_of(bytes, kLabelled);
      CHECK((config || !config.error().message.empty()));
      bytes[at] = kept;
    }
  }
  CHECK(bytes == good);
}

TEST_CASE("a database that would compute its answer is not asked") {
  // Without end, and as large as it likes: each is one query for whoever trusts the schema.
  CHECK(!podman_config_of(made_by("CREATE VIEW ContainerConfig AS WITH RECURSIVE c(ID, JSON) AS "
                                  "(SELECT 'x', 'y' UNION ALL SELECT ID, JSON FROM c) SELECT ID, JSON FROM c"),
                          "z"));
  CHECK(!podman_config_of(made_by("CREATE TABLE ContainerConfig(ID TEXT, JSON AS (hex(zeroblob(9000000))));"
                                  "INSERT INTO ContainerConfig VALUES ('x')"),
                          "x"));
  CHECK(!podman_config_of(made_by("CREATE VIRTUAL TABLE ContainerConfig USING fts5(ID, JSON)"), "x"));
  CHECK(!podman_config_of(made_by("CREATE TABLE ContainerConfig(ID TEXT)"), "x"));
}

TEST_CASE("a scan of a database without an index ends") {
  const std::string large = made_by(
      "CREATE TABLE ContainerConfig(ID TEXT, JSON TEXT);"
      "INSERT INTO ContainerConfig WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
      "SELECT i, '' FROM n");
  const auto config = podman_config_of(large, "absent");
  CHECK(!config);
}

TEST_CASE("a container's configuration is found wherever Podman keeps it") {
  PodmanStorage storage;
  CHECK(!storage.config(kLabelled));
  storage.put("podman-bolt.db", "libpod/bolt_state.db");
  CHECK(storage.config(kInBolt));
  CHECK(!storage.config(kLabelled));
  storage.put("podman-db.sql", "libpod/db.sql");
  CHECK(storage.config(kLabelled));
  CHECK(storage.config(kInBolt));
  std::filesystem::remove(storage.path / "libpod/db.sql");
  storage.put("podman-db.sql", "db.sql");
  CHECK(storage.config(kLabelled));
}

TEST_CASE("a database that is being written is not read, and nothing that is no file") {
  PodmanStorage storage;
  storage.put("podman-db.sql", "db.sql");
  const auto journal = storage.path / "db.sql-journal";
  std::ofstream(journal) << "pages as they were";
  CHECK(!storage.config(kLabelled));
  std::ofstream(journal, std::ios::trunc).flush();  // as it stays with journal_mode=truncate
  CHECK(storage.config(kLabelled));
  std::filesystem::remove(storage.path / "db.sql");
  std::filesystem::create_symlink(kFixtures / "podman-db.sql", storage.path / "db.sql");
  CHECK(!storage.config(kLabelled));
}
