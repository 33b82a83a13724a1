#include <cerrno>

#include <fmt/format.h>

#include "store.h"

namespace holdfast::baseline {
namespace {

using policy::Override;

std::int64_t seconds_of(std::chrono::sys_seconds time) { return time.time_since_epoch().count(); }
std::chrono::sys_seconds moment_of(std::int64_t seconds) {
  return std::chrono::sys_seconds{std::chrono::seconds(seconds)};
}

/// Nothing if the mode is none: a row that was not written by this code.
std::optional<Override> read_row(Statement& row) {
  Override one;
  one.target.device = row.number();
  one.target.inode = row.number();
  one.target.birth = row.integer();
  one.target.id = row.bytes();
  one.name = row.bytes();
  one.image = row.bytes();
  const auto mode = policy::parse_mode(row.bytes());
  one.reason = row.bytes();
  one.began = moment_of(row.integer());
  one.until = moment_of(row.integer());
  one.boot = row.bytes();
  one.boot_until = std::chrono::seconds(row.integer());
  one.uid = static_cast<std::uint32_t>(row.integer());
  one.pid = static_cast<std::int32_t>(row.integer());
  const std::int64_t login = row.integer();
  if (login >= 0) one.login_uid = static_cast<std::uint32_t>(login);
  if (!mode) return std::nullopt;
  one.mode = *mode;
  return one;
}

Statement& bind_target(Statement& statement, const Override::Target& target) {
  return statement.bind(target.device).bind(target.inode).bind(target.birth).bind_blob(target.id);
}

}  // namespace

Result<std::vector<Override>> Store::overrides() {
  const std::lock_guard lock(write_mutex_);
  auto select = Statement::prepare(writer_,
                                   "SELECT device, inode, birth, container, name, image, mode, reason, began, until,"
                                   " boot, boot_until, uid, pid, login_uid FROM overrides");
  if (!select) return select.error();
  std::vector<Override> all;
  while (true) {
    auto row = select->step();
    if (!row) return row.error();
    if (!*row) return all;
    auto one = read_row(*select);
    if (!one) {
      return Error{EUCLEAN, fmt::format("{}: an override of a container's mode cannot be read", writer_.path())};
    }
    all.push_back(std::move(*one));
  }
}

Result<void> Store::save_override(const Override& one) {
  const std::lock_guard lock(write_mutex_);
  auto insert = Statement::prepare(
      writer_,
      "INSERT OR REPLACE INTO overrides (device, inode, birth, container, name, image, mode, reason, began, until,"
      " boot, boot_until, uid, pid, login_uid) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  if (!insert) return insert.error();
  bind_target(*insert, one.target).bind_blob(one.name).bind_blob(one.image).bind_text(policy::to_string(one.mode));
  insert->bind_blob(one.reason).bind(seconds_of(one.began)).bind(seconds_of(one.until)).bind_text(one.boot);
  insert->bind(std::int64_t{one.boot_until.count()}).bind(std::int64_t{one.uid}).bind(std::int64_t{one.pid});
  insert->bind(one.login_uid ? std::int64_t{*one.login_uid} : std::int64_t{-1});
  return insert->run();
}

Result<void> Store::remove_override(const Override::Target& target) {
  const std::lock_guard lock(write_mutex_);
  auto remove =
      Statement::prepare(writer_, "DELETE FROM overrides WHERE device=? AND inode=? AND birth=? AND container=?");
  if (!remove) return remove.error();
  return bind_target(*remove, target).run();
}

}  // namespace holdfast::baseline
