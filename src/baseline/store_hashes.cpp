#include <algorithm>

#include "store.h"

namespace holdfast::baseline {

std::optional<Sha256> Store::cached(std::uint64_t file_system, const Identity& identity) {
  const std::lock_guard lock(read_mutex_);
  find_hash_.reset()
      .bind(file_system)
      .bind(identity.inode)
      .bind(identity.size)
      .bind(identity.mtime)
      .bind(identity.ctime);
  // A cache that cannot be read is one that has nothing: the file is read instead.
  auto row = find_hash_.step();
  std::optional<Sha256> sha256;
  if (row && *row) sha256 = find_hash_.digest();
  find_hash_.reset();
  return sha256;
}

Result<void> Store::cache(std::span<const CachedHash> hashes) {
  if (hashes.empty()) return {};
  const std::lock_guard lock(write_mutex_);
  auto transaction = Transaction::begin(writer_);
  if (!transaction) return transaction.error();
  auto insert = Statement::prepare(
      writer_,
      "INSERT OR REPLACE INTO hashes (file_system, inode, size, mtime, ctime, sha256) VALUES (?, ?, ?, ?, ?, ?)");
  if (!insert) return insert.error();
  for (const CachedHash& hash : hashes) {
    insert->reset().bind(hash.file_system).bind(hash.identity.inode).bind(hash.identity.size);
    insert->bind(hash.identity.mtime).bind(hash.identity.ctime).bind(std::optional(hash.sha256));
    if (auto done = insert->run(); !done) return done;
  }
  return transaction->commit();
}

Result<std::vector<std::string>> Store::names_with_program(std::uint64_t size, const Sha256& sha256,
                                                           std::vector<std::string> keys) {
  const std::lock_guard lock(read_mutex_);
  {
    auto rows = Statement::prepare(reader_,
                                   "SELECT DISTINCT images.key FROM files JOIN images ON images.id=files.image"
                                   " WHERE files.sha256=? AND files.size=? AND files.mode & 73 != 0"  // 0111
                                   " AND images.kind=0 AND images.complete=1");
    if (!rows) return rows.error();
    rows->bind(std::optional(sha256)).bind(size);
    for (;;) {
      auto row = rows->step();
      if (!row) return row.error();
      if (!*row) break;
      if (std::string key(rows->bytes()); std::find(keys.begin(), keys.end(), key) == keys.end()) {
        keys.push_back(std::move(key));
      }
    }
  }
  auto names = Statement::prepare(
      reader_, "SELECT reference, digest FROM image_names WHERE image=(SELECT id FROM images WHERE key=?)");
  if (!names) return names.error();
  std::vector<std::string> all = keys;
  for (const std::string& key : keys) {
    names->reset().bind_text(key);
    for (;;) {
      auto row = names->step();
      if (!row) return row.error();
      if (!*row) break;
      for (int column = 0; column < 2; ++column) {
        if (std::string name(names->bytes()); !name.empty()) all.push_back(std::move(name));
      }
    }
  }
  return all;
}

Result<std::uint64_t> Store::prune(std::int64_t before, const std::function<bool(const std::string&)>& in_use) {
  const std::lock_guard lock(write_mutex_);
  auto transaction = Transaction::begin(writer_);
  if (!transaction) return transaction.error();
  std::vector<std::string> gone;
  {
    auto old = Statement::prepare(writer_, "SELECT key FROM images WHERE last_used < ?");
    if (!old) return old.error();
    old->bind(before);
    for (;;) {
      auto row = old->step();
      if (!row) return row.error();
      if (!*row) break;
      if (std::string key(old->bytes()); !in_use(key)) gone.push_back(std::move(key));
    }
    auto remove = Statement::prepare(writer_, "DELETE FROM images WHERE key=?");
    if (!remove) return remove.error();
    for (const std::string& key : gone) {
      if (auto done = remove->reset().bind_text(key).run(); !done) return done.error();
    }
  }
  if (auto done = writer_.execute("DELETE FROM hashes WHERE (inode, size, mtime, ctime) NOT IN"
                                  " (SELECT inode, size, mtime, ctime FROM files)");
      !done) {
    return done.error();
  }
  if (auto done = transaction->commit(); !done) return done.error();
  if (auto done = writer_.execute("PRAGMA incremental_vacuum"); !done) return done.error();
  return gone.size();
}

}  // namespace holdfast::baseline
