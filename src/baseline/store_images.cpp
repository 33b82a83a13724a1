#include <algorithm>
#include <cerrno>
#include <chrono>

#include "store.h"

namespace holdfast::baseline {
namespace {

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(Wall::now().time_since_epoch()).count();
}

Result<void> insert_files(Database& database, const std::string& key, const IdentityTable& table) {
  auto insert =
      Statement::prepare(database,
                         "INSERT INTO files (image, path, inode, size, mtime, ctime, mode, code, proven, sha256)"
                         " VALUES ((SELECT id FROM images WHERE key=?), ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  if (!insert) return insert.error();
  for (std::uint32_t file = 0; file < table.size(); ++file) {
    const Identity& identity = table.identity(file);
    insert->reset().bind_text(key).bind_blob(table.path(file)).bind(identity.inode).bind(identity.size);
    insert->bind(identity.mtime).bind(identity.ctime).bind(std::int64_t{table.mode(file)});
    insert->bind(std::int64_t{table.code(file)}).bind(std::int64_t{table.proven(file)}).bind(table.hash(file));
    if (auto done = insert->run(); !done) return done;
  }
  return {};
}

Result<void> mark_complete(Database& database, const std::string& key, const IdentityTable& table) {
  std::uint64_t bytes = 0;
  for (std::uint32_t file = 0; file < table.size(); ++file) bytes += table.code(file) ? table.identity(file).size : 0;
  auto update = Statement::prepare(database, "UPDATE images SET complete=1, captured=?, files=?, bytes=? WHERE key=?");
  if (!update) return update.error();
  return update->bind(seconds_now()).bind(std::int64_t{table.code_count()}).bind(bytes).bind_text(key).run();
}

constexpr std::string_view kSelectFiles =
    "SELECT path, inode, size, mtime, ctime, mode, code, proven, sha256 FROM files"
    " WHERE image=(SELECT id FROM images WHERE key=? AND complete=1) ORDER BY path";

Result<bool> read_file_row(Statement& row, IdentityTable::Builder& builder) {
  auto found = row.step();
  if (!found || !*found) return found;
  FileRecord file;
  const std::string path(row.bytes());
  file.path = path;
  file.identity.inode = row.number();
  file.identity.size = row.number();
  file.identity.mtime = row.integer();
  file.identity.ctime = row.integer();
  file.mode = static_cast<mode_t>(row.integer());
  file.code = row.integer() != 0;
  file.proven = row.integer() != 0;
  file.sha256 = row.digest();
  if (!builder.add(file)) return Error{EOVERFLOW, "an image in the database has more files than can be held"};
  return true;
}

}  // namespace

/// Within the caller's lock and, where it matters, its transaction.
Result<void> Store::upsert(const ImageRecord& record) {
  // An image is known by more than one set of paths at times; the newest that are known at all are kept.
  auto insert = Statement::prepare(
      writer_,
      "INSERT INTO images (key, kind, complete, created, last_used, captured, files, bytes, lower_paths, data_paths,"
      " metacopy, user_xattr, redirect_dir) VALUES (?, ?, 0, ?, ?, 0, 0, 0, ?, ?, ?, ?, ?)"
      " ON CONFLICT (key) DO UPDATE SET last_used=excluded.last_used,"
      " lower_paths=iif(length(excluded.lower_paths) > 0, excluded.lower_paths, lower_paths),"
      " data_paths=iif(length(excluded.data_paths) > 0, excluded.data_paths, data_paths)");
  if (!insert) return insert.error();
  const std::int64_t now = seconds_now();
  insert->bind_text(record.key).bind(std::int64_t{record.kind == Kind::snapshot}).bind(now).bind(now);
  insert->bind_blob(join_texts(record.lower_paths)).bind_blob(join_texts(record.data_paths));
  insert->bind(std::int64_t{record.metacopy}).bind(std::int64_t{record.user_xattr}).bind_text(record.redirect_dir);
  return insert->run();
}

Result<void> Store::touch(const ImageRecord& record) {
  const std::lock_guard lock(write_mutex_);
  return upsert(record);
}

Result<std::unique_ptr<IdentityTable>> Store::load(const std::string& key) {
  const std::lock_guard lock(write_mutex_);
  auto known = Statement::prepare(writer_, "SELECT 1 FROM images WHERE key=? AND complete=1");
  if (!known) return known.error();
  auto complete = known->bind_text(key).step();
  if (!complete) return complete.error();
  if (!*complete) return std::unique_ptr<IdentityTable>();
  auto rows = Statement::prepare(writer_, kSelectFiles);
  if (!rows) return rows.error();
  rows->bind_text(key);
  IdentityTable::Builder builder;
  for (;;) {
    auto row = read_file_row(*rows, builder);
    if (!row) return row.error();
    if (!*row) return std::move(builder).build();
  }
}

Result<void> Store::save(const ImageRecord& record, const IdentityTable& table) {
  const std::lock_guard lock(write_mutex_);
  auto transaction = Transaction::begin(writer_);
  if (!transaction) return transaction.error();
  if (auto done = upsert(record); !done) return done;
  {
    auto remove = Statement::prepare(writer_, "DELETE FROM files WHERE image=(SELECT id FROM images WHERE key=?)");
    if (!remove) return remove.error();
    if (auto done = remove->bind_text(record.key).run(); !done) return done;
  }
  if (auto done = insert_files(writer_, record.key, table); !done) return done;
  if (auto done = mark_complete(writer_, record.key, table); !done) return done;
  return transaction->commit();
}

Result<void> Store::add_name(const std::string& key, const std::string& reference, const std::string& digest) {
  const std::lock_guard lock(write_mutex_);
  auto insert = Statement::prepare(writer_,
                                   "INSERT OR IGNORE INTO image_names (image, reference, digest)"
                                   " SELECT id, ?, ? FROM images WHERE key=?");
  if (!insert) return insert.error();
  return insert->bind_text(reference).bind_text(digest).bind_text(key).run();
}

Result<std::vector<StoredImage>> Store::images() {
  const std::lock_guard lock(write_mutex_);
  return select_images("", nullptr);
}

Result<std::optional<StoredImage>> Store::image(const std::string& key) {
  const std::lock_guard lock(write_mutex_);
  auto found = select_images(" WHERE key=?", &key);
  if (!found) return found.error();
  if (found->empty()) return std::optional<StoredImage>();
  return std::optional(std::move(found->front()));
}

Result<std::vector<StoredImage>> Store::select_images(std::string_view where, const std::string* key) {
  const std::string sql =
      "SELECT key, kind, complete, captured, last_used, files, bytes, lower_paths, data_paths, metacopy, user_xattr,"
      " redirect_dir FROM images" +
      std::string(where) + " ORDER BY last_used DESC, key";
  auto rows = Statement::prepare(writer_, sql);
  if (!rows) return rows.error();
  if (key != nullptr) rows->bind_text(*key);
  std::vector<StoredImage> images;
  for (;;) {
    auto row = rows->step();
    if (!row) return row.error();
    if (!*row) break;
    StoredImage& image = images.emplace_back();
    image.record.key = rows->bytes();
    image.record.kind = rows->integer() != 0 ? Kind::snapshot : Kind::layers;
    image.complete = rows->integer() != 0;
    image.captured = rows->integer();
    image.last_used = rows->integer();
    image.files = rows->number();
    image.bytes = rows->number();
    image.record.lower_paths = split_texts(rows->bytes());
    image.record.data_paths = split_texts(rows->bytes());
    image.record.metacopy = rows->integer() != 0;
    image.record.user_xattr = rows->integer() != 0;
    image.record.redirect_dir = rows->bytes();
  }
  if (auto named = add_names(images); !named) return named.error();
  return images;
}

Result<void> Store::add_names(std::vector<StoredImage>& images) {
  auto names = Statement::prepare(
      writer_, "SELECT DISTINCT reference, digest FROM image_names WHERE image=(SELECT id FROM images WHERE key=?)");
  if (!names) return names.error();
  for (StoredImage& image : images) {
    names->reset().bind_text(image.record.key);
    for (;;) {
      auto row = names->step();
      if (!row) return row.error();
      if (!*row) break;
      const std::string reference(names->bytes());
      const std::string digest(names->bytes());
      const auto add = [](std::vector<std::string>& list, const std::string& text) {
        if (!text.empty() && std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
      };
      add(image.references, reference);
      add(image.digests, digest);
    }
  }
  return {};
}

Result<std::uint64_t> Store::count_images() {
  const std::lock_guard lock(write_mutex_);
  auto count = Statement::prepare(writer_, "SELECT count(*) FROM images");
  if (!count) return count.error();
  auto row = count->step();
  if (!row) return row.error();
  return count->number();
}

}  // namespace holdfast::baseline
