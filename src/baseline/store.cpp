#include "store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/unique_fd.h"

#include "migrations.h"

namespace holdfast::baseline {
namespace {

/// Beyond this, reading every page at each start costs more than it is worth; damage then shows when it is met.
constexpr off_t kCheckedSize = off_t{64} * 1024 * 1024;

/// SQLite would create the file with the process's umask; the names of what runs here are nobody else's business.
Result<off_t> create_private(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file && (errno == EROFS || errno == EACCES)) {
    const int refused = errno;
    file.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file && errno == ENOENT) errno = refused;  // that it is not there is not what is in the way
  }
  struct stat st {};
  if (!file || ::fstat(file.get(), &st) != 0) return errno_error(fmt::format("{}: cannot open the database", path));
  if ((st.st_mode & 0077) != 0 && ::fchmod(file.get(), 0600) != 0) {
    return errno_error(fmt::format("{}: others can read the database, and that cannot be changed", path));
  }
  return st.st_size;
}

Error damaged(const std::string& path, std::string_view what) {
  return {EUCLEAN, fmt::format("{}: the baseline database is damaged ({}); restore a copy, or move it away to begin "
                               "with an empty one",
                               path, what)};
}

Result<void> quick_check(Database& database) {
  auto check = Statement::prepare(database, "PRAGMA quick_check(1)");
  if (!check) return check.error();
  auto row = check->step();
  if (!row) return row.error();
  const std::string verdict(check->bytes());
  if (verdict == "ok") return {};
  return Error{EUCLEAN, verdict};
}

Result<void> prepare_writer(Database& writer, off_t size) {
  // Pruned images then give their space back to the disk. Only ever set on an empty database: on any other one it
  // writes to the header, and a database of a newer version must be refused untouched.
  if (size == 0) {
    if (auto set = writer.execute("PRAGMA auto_vacuum=INCREMENTAL"); !set) return set;
  }
  if (auto migrated = migrate(writer); !migrated) return migrated;
  if (size < kCheckedSize) {
    if (auto checked = quick_check(writer); !checked) return checked;
  }
  return writer.execute(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=16777216");
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::string& path) {
  auto size = create_private(path);
  if (!size) return size.error();
  auto writer = Database::open(path, SQLITE_OPEN_READWRITE);
  if (!writer) return writer.error();
  if (auto prepared = prepare_writer(*writer, *size); !prepared) {
    if (prepared.error().code == EUCLEAN) return damaged(path, prepared.error().message);
    return prepared.error();
  }
  auto reader = Database::open(path, SQLITE_OPEN_READWRITE);
  if (!reader) return reader.error();
  auto find = Statement::prepare(
      *reader, "SELECT sha256 FROM hashes WHERE file_system=? AND inode=? AND size=? AND mtime=? AND ctime=?");
  if (!find) return find.error();
  return std::unique_ptr<Store>(new Store(std::move(*writer), std::move(*reader), std::move(*find)));
}

}  // namespace holdfast::baseline
