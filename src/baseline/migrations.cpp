#include "migrations.h"

#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "statement.h"

namespace holdfast::baseline {
namespace {

constexpr std::int64_t kApplicationId = 0x484f4c44;  // "HOLD"

/// Step N leads from user_version N to N + 1. Never edit one that was released: append.
constexpr std::array kSteps = {
    R"sql(
CREATE TABLE images (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  kind INTEGER NOT NULL,           -- 0 layers, 1 snapshot
  complete INTEGER NOT NULL,       -- 0: being captured; its files may be missing
  created INTEGER NOT NULL,        -- seconds since the epoch, like all times of day here
  last_used INTEGER NOT NULL,
  captured INTEGER NOT NULL,       -- 0: never
  files INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  lower_paths BLOB NOT NULL,       -- each ended by a zero byte
  data_paths BLOB NOT NULL,
  metacopy INTEGER NOT NULL,
  user_xattr INTEGER NOT NULL,
  redirect_dir TEXT NOT NULL
);
CREATE TABLE image_names (
  image INTEGER NOT NULL REFERENCES images(id) ON DELETE CASCADE,
  reference TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (image, reference, digest)
) WITHOUT ROWID;
CREATE TABLE files (
  image INTEGER NOT NULL REFERENCES images(id) ON DELETE CASCADE,
  path BLOB NOT NULL,
  inode INTEGER NOT NULL,
  size INTEGER NOT NULL,
  mtime INTEGER NOT NULL,          -- nanoseconds since the epoch, as ctime
  ctime INTEGER NOT NULL,
  mode INTEGER NOT NULL,
  code INTEGER NOT NULL,           -- executable, or a shared object
  proven INTEGER NOT NULL,         -- the identity proves the bytes
  sha256 BLOB,
  PRIMARY KEY (image, path)
) WITHOUT ROWID;
CREATE TABLE hashes (
  file_system INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  size INTEGER NOT NULL,
  mtime INTEGER NOT NULL,
  ctime INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  PRIMARY KEY (file_system, inode, size, mtime, ctime)
) WITHOUT ROWID;
)sql",
    R"sql(
CREATE TABLE service_state (
  key TEXT PRIMARY KEY,            -- alive: when a service ran last
  value INTEGER NOT NULL
) WITHOUT ROWID;
)sql",
    R"sql(
CREATE TABLE overrides (
  device INTEGER NOT NULL,         -- of the container's root, as inode and birth (nanoseconds)
  inode INTEGER NOT NULL,
  birth INTEGER NOT NULL,
  container BLOB NOT NULL,         -- id; names are raw bytes
  name BLOB NOT NULL,
  image BLOB NOT NULL,
  mode TEXT NOT NULL,
  reason BLOB NOT NULL,
  began INTEGER NOT NULL,
  until INTEGER NOT NULL,
  boot TEXT NOT NULL,              -- the boot that boot_until counts in, in seconds
  boot_until INTEGER NOT NULL,
  uid INTEGER NOT NULL,            -- who asked
  pid INTEGER NOT NULL,
  login_uid INTEGER NOT NULL,      -- -1: not known
  PRIMARY KEY (device, inode, birth, container)
) WITHOUT ROWID;
)sql",
    R"sql(
CREATE INDEX files_by_content ON files (sha256) WHERE sha256 IS NOT NULL;
)sql",
    R"sql(
CREATE TABLE sealed (
  inode INTEGER NOT NULL,          -- of a container's root, as birth (nanoseconds)
  birth INTEGER NOT NULL,
  seen INTEGER NOT NULL,           -- when the container was last there
  PRIMARY KEY (inode, birth)
) WITHOUT ROWID;
CREATE TABLE pins (
  inode INTEGER NOT NULL,
  birth INTEGER NOT NULL,
  path BLOB NOT NULL,
  sha256 BLOB NOT NULL,
  PRIMARY KEY (inode, birth, path)
) WITHOUT ROWID;
)sql",
};

Error refuse(const Database& database, std::string_view why) {
  return {EINVAL, fmt::format("{}: {}; move it away to begin with an empty baseline database", database.path(), why)};
}

Result<void> take_steps(Database& database, std::int64_t version) {
  auto transaction = Transaction::begin(database);
  if (!transaction) return transaction.error();
  for (auto step = static_cast<std::size_t>(version); step < kSteps.size(); ++step) {
    if (auto done = database.execute(kSteps[step]); !done) return done;
  }
  const std::string marks =
      fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", kApplicationId, kSteps.size());
  if (auto done = database.execute(marks.c_str()); !done) return done;
  return transaction->commit();
}

}  // namespace

std::int64_t newest_schema() { return static_cast<std::int64_t>(kSteps.size()); }

Result<void> migrate(Database& database) {
  auto application = ask_integer(database, "PRAGMA application_id");
  if (!application) return application.error();
  auto version = ask_integer(database, "PRAGMA user_version");
  if (!version) return version.error();
  auto tables = ask_integer(database, "SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  const bool fresh = *application == 0 && *version == 0 && *tables == 0;
  if (!fresh && *application != kApplicationId) return refuse(database, "is not a Holdfast baseline database");
  if (*version < 0 || *version > newest_schema()) {
    return Error{EINVAL,
                 fmt::format("{}: was written by a newer Holdfast (schema {}, this one knows up to {}); use that "
                             "version, or move the file away to begin with an empty baseline database",
                             database.path(), *version, newest_schema())};
  }
  if (*version == newest_schema()) return {};
  return take_steps(database, *version);
}

}  // namespace holdfast::baseline
