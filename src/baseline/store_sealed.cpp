#include <cerrno>
#include <optional>

#include <fmt/format.h>

#include "store.h"

namespace holdfast::baseline {
namespace {

using policy::Sealed;

Statement& bind_root(Statement& statement, const Sealed::Root& root) {
  return statement.bind(root.inode).bind(root.birth);
}

Result<void> remove_row(Database& database, std::string_view sql, const Sealed::Root& root) {
  auto remove = Statement::prepare(database, sql);
  if (!remove) return remove.error();
  return bind_root(*remove, root).run();
}

Result<void> read_pins(Database& database, Sealed& one) {
  auto select = Statement::prepare(database, "SELECT path, sha256 FROM pins WHERE inode=? AND birth=?");
  if (!select) return select.error();
  bind_root(*select, one.root);
  while (true) {
    auto row = select->step();
    if (!row) return row.error();
    if (!*row) return {};
    std::string path(select->bytes());
    const auto sha256 = select->digest();
    if (!sha256) return Error{EUCLEAN, fmt::format("{}: a sealed container's pin cannot be read", database.path())};
    one.pins.emplace(std::move(path), *sha256);
  }
}

}  // namespace

Result<std::vector<Sealed>> Store::sealed(std::size_t most) {
  const std::lock_guard lock(write_mutex_);
  auto select = Statement::prepare(writer_, "SELECT inode, birth, seen FROM sealed ORDER BY seen DESC LIMIT ?");
  if (!select) return select.error();
  select->bind(std::uint64_t{most});
  std::vector<Sealed> all;
  while (true) {
    auto row = select->step();
    if (!row) return row.error();
    if (!*row) return all;
    Sealed one;
    one.root.inode = select->number();
    one.root.birth = select->integer();
    one.seen = std::chrono::sys_seconds{std::chrono::seconds(select->integer())};
    if (auto read = read_pins(writer_, one); !read) return read.error();
    all.push_back(std::move(one));
  }
}

Result<void> Store::save_sealed(const Sealed& one) {
  const std::lock_guard lock(write_mutex_);
  auto transaction = Transaction::begin(writer_);
  if (!transaction) return transaction.error();
  auto removed = remove_row(writer_, "DELETE FROM pins WHERE inode=? AND birth=?", one.root);
  if (!removed) return removed;
  auto insert = Statement::prepare(writer_, "INSERT OR REPLACE INTO sealed (inode, birth, seen) VALUES (?, ?, ?)");
  if (!insert) return insert.error();
  bind_root(*insert, one.root).bind(std::int64_t{one.seen.time_since_epoch().count()});
  if (auto done = insert->run(); !done) return done;
  auto pin = Statement::prepare(writer_, "INSERT INTO pins (inode, birth, path, sha256) VALUES (?, ?, ?, ?)");
  if (!pin) return pin.error();
  for (const auto& [path, sha256] : one.pins) {
    bind_root(pin->reset(), one.root).bind_blob(path).bind(std::optional(sha256));
    if (auto done = pin->run(); !done) return done;
  }
  return transaction->commit();
}

Result<void> Store::prune_sealed(std::int64_t before) {
  const std::lock_guard lock(write_mutex_);
  auto transaction = Transaction::begin(writer_);
  if (!transaction) return transaction.error();
  for (const std::string_view sql :
       {"DELETE FROM pins WHERE (inode, birth) IN (SELECT inode, birth FROM sealed WHERE seen < ?)",
        "DELETE FROM sealed WHERE seen < ?"}) {
    auto remove = Statement::prepare(writer_, sql);
    if (!remove) return remove.error();
    if (auto done = remove->bind(before).run(); !done) return done;
  }
  return transaction->commit();
}

}  // namespace holdfast::baseline
