#include "holdfast/baseline/imports.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/baseline/baseline_file.h"

#include "hasher.h"
#include "resolve.h"
#include "sqlite.h"
#include "statement.h"

namespace holdfast::baseline {
namespace {

constexpr std::int64_t kImportsApplicationId = 0x484f4c49;  // "HOLI"
constexpr std::int64_t kSchema = 1;
constexpr const char* kTables = R"sql(
CREATE TABLE images (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  origin TEXT NOT NULL,            -- the id that the file gives it
  kind TEXT NOT NULL,
  names BLOB NOT NULL,             -- each ended by a zero byte, as digests
  digests BLOB NOT NULL,
  platform BLOB NOT NULL,
  imported INTEGER NOT NULL,       -- seconds since the epoch
  files INTEGER NOT NULL,
  bytes INTEGER NOT NULL
);
CREATE TABLE files (
  image INTEGER NOT NULL REFERENCES images(id) ON DELETE CASCADE,
  path BLOB NOT NULL,
  size INTEGER NOT NULL,
  mode INTEGER NOT NULL,
  sha256 BLOB,
  PRIMARY KEY (image, path)
) WITHOUT ROWID;
)sql";

Result<void> make_tables(Database& database) {
  auto transaction = Transaction::begin(database);
  if (!transaction) return transaction.error();
  if (auto done = database.execute(kTables); !done) return done;
  const std::string marks =
      fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", kImportsApplicationId, kSchema);
  if (auto done = database.execute(marks.c_str()); !done) return done;
  return transaction->commit();
}

Result<void> prepare(Database& database) {
  auto application = ask_integer(database, "PRAGMA application_id");
  if (!application) return application.error();
  auto version = ask_integer(database, "PRAGMA user_version");
  if (!version) return version.error();
  auto tables = ask_integer(database, "SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  const bool fresh = *application == 0 && *version == 0 && *tables == 0;
  if (!fresh && (*application != kImportsApplicationId || *version != kSchema)) {
    return Error{EINVAL, fmt::format("{}: is not a database of imported baselines that "
                                     "this Holdfast knows; move it away",
                                     database.path())};
  }
  if (auto set = database.execute("PRAGMA foreign_keys=ON"); !set) return set;
  return fresh ? make_tables(database) : Result<void>();
}

/// Nothing if there is none and none is to be made.
Result<std::optional<Database>> open(const std::string& path, bool create) {
  const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0);
  const UniqueFd file(::open(path.c_str(), flags, 0600));
  if (!file && errno == ENOENT && !create) return std::optional<Database>();
  if (!file) return errno_error(fmt::format("{}: cannot open the database", path));
  auto database = Database::open(path, SQLITE_OPEN_READWRITE);
  if (!database) return database.error();
  if (auto prepared = prepare(*database); !prepared) return prepared.error();
  return std::optional(std::move(*database));
}

Imported to_imported(const ImageListing& listing, std::int64_t now) {
  Imported out{to_hex(hash_bytes("holdfast import 1\n" + baseline_text({listing}))),
               listing,
               listing.files.size(),
               0,
               now,
               true};
  for (const ListedFile& file : listing.files) out.bytes += file.size;
  return out;
}

Result<void> insert_files(Database& database, const Imported& image) {
  auto insert = Statement::prepare(database,
                                   "INSERT INTO files (image, path, size, mode, sha256) VALUES "
                                   "((SELECT id FROM images WHERE key=?), ?, ?, ?, ?)");
  if (!insert) return insert.error();
  for (const ListedFile& file : image.listing.files) {
    insert->reset()
        .bind_text(image.id)
        .bind_blob(file.path)
        .bind(file.size)
        .bind(std::int64_t{file.mode})
        .bind(file.sha256);
    if (auto done = insert->run(); !done) return done;
  }
  return {};
}

Result<void> insert(Database& database, Imported& image) {
  auto add = Statement::prepare(database,
                                "INSERT OR IGNORE INTO images (key, origin, kind, names, "
                                "digests, platform, imported, files,"
                                " bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  if (!add) return add.error();
  const ImageListing& listing = image.listing;
  add->bind_text(image.id).bind_text(listing.id).bind_text(listing.kind).bind_blob(join_texts(listing.names));
  add->bind_blob(join_texts(listing.digests))
      .bind_blob(listing.platform)
      .bind(image.when)
      .bind(image.files)
      .bind(image.bytes);
  if (auto done = add->run(); !done) return done;
  image.is_new = database.changes() > 0;
  return image.is_new ? insert_files(database, image) : Result<void>();
}

Result<std::vector<Imported>> select(Database& database) {
  auto rows = Statement::prepare(database,
                                 "SELECT key, origin, kind, names, digests, "
                                 "platform, imported, files, bytes FROM images"
                                 " ORDER BY imported DESC, key");
  if (!rows) return rows.error();
  std::vector<Imported> images;
  for (;;) {
    auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return images;
    Imported& image = images.emplace_back();
    image.id = rows->bytes();
    image.listing.id = rows->bytes();
    image.listing.kind = rows->bytes();
    image.listing.names = split_texts(rows->bytes());
    image.listing.digests = split_texts(rows->bytes());
    image.listing.platform = rows->bytes();
    image.when = rows->integer();
    image.files = rows->number();
    image.bytes = rows->number();
    image.is_new = false;
  }
}

Result<void> load_files(Database& database, Imported& image) {
  auto rows = Statement::prepare(database,
                                 "SELECT path, size, mode, sha256 FROM files "
                                 "WHERE image=(SELECT id FROM images WHERE"
                                 " key=?) ORDER BY path");
  if (!rows) return rows.error();
  rows->bind_text(image.id);
  for (;;) {
    auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return {};
    ListedFile& file = image.listing.files.emplace_back();
    file.path = rows->bytes();
    file.size = rows->number();
    file.mode = static_cast<mode_t>(rows->integer());
    file.sha256 = rows->digest();
  }
}

/// What resolve_image looks at.
std::vector<StoredImage> as_stored(const std::vector<Imported>& images) {
  std::vector<StoredImage> stored;
  for (const Imported& image : images) {
    StoredImage& one = stored.emplace_back();
    one.record.key = image.id;
    one.references = image.listing.names;
    one.digests = image.listing.digests;
  }
  return stored;
}

}  // namespace

Result<std::vector<Imported>> Imports::add(const std::vector<ImageListing>& listings, std::int64_t now) const {
  auto database = open(path_, true);
  if (!database) return database.error();
  auto transaction = Transaction::begin(**database);
  if (!transaction) return transaction.error();
  std::vector<Imported> added;
  for (const ImageListing& listing : listings) {
    Imported& image = added.emplace_back(to_imported(listing, now));
    if (auto done = insert(**database, image); !done) return done.error();
  }
  if (auto done = transaction->commit(); !done) return done.error();
  return added;
}

Result<std::vector<Imported>> Imports::list() const {
  auto database = open(path_, false);
  if (!database) return database.error();
  if (!*database) return std::vector<Imported>();
  return select(**database);
}

Result<Imported> Imports::find(std::string_view text) const {
  auto database = open(path_, false);
  if (!database) return database.error();
  if (!*database) return Error{ENOENT, fmt::format("no imported image '{}'", printable(text))};
  auto images = select(**database);
  if (!images) return images.error();
  auto key = resolve_image(as_stored(*images), text);
  if (!key) return key.error();
  const auto found =
      std::find_if(images->begin(), images->end(), [&](const Imported& image) { return image.id == *key; });
  if (auto loaded = load_files(**database, *found); !loaded) return loaded.error();
  return std::move(*found);
}

Result<std::uint64_t> Imports::remove(std::int64_t before) const {
  auto database = open(path_, false);
  if (!database) return database.error();
  if (!*database) return std::uint64_t{0};
  auto remove = Statement::prepare(**database, "DELETE FROM images WHERE imported < ?");
  if (!remove) return remove.error();
  if (auto done = remove->bind(before).run(); !done) return done.error();
  return static_cast<std::uint64_t>((*database)->changes());
}

}  // namespace holdfast::baseline
