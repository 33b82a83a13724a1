#include "inventory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "holdfast/base/text.h"

#include "path_open.h"
#include "proof.h"

namespace holdfast::baseline {
namespace {

FileTime file_time_of(const statx_timestamp& t) { return t.tv_sec * 1'000'000'000 + t.tv_nsec; }

Identity identity_of_statx(const struct statx& st) {
  return {st.stx_ino, st.stx_size, file_time_of(st.stx_mtime), file_time_of(st.stx_ctime)};
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

bool is_dot(const char* name) { return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0; }

constexpr unsigned kStatMask = STATX_BASIC_STATS | STATX_MNT_ID;

class Walker {
 public:
  Walker(int root, const WalkRules& rules, const StopCode& stop)
      : root_(root), rules_(rules), stop_(stop), started_(wall_now()) {}

  Result<Inventory> run() {
    struct statx st {};
    if (::statx(root_, "", AT_EMPTY_PATH, kStatMask, &st) != 0) return errno_error("cannot stat an image's root");
    mount_ = st.stx_mnt_id;
    pending_.emplace_back("/");
    while (!pending_.empty()) {
      const std::string path = std::move(pending_.back());
      pending_.pop_back();
      if (const int code = stop_(); code != 0) return errno_error(code, "walking an image");
      if (auto done = read_directory(path); !done) return done.error();
    }
    return Inventory{std::move(builder_).build(), too_deep_};
  }

 private:
  /// `path` ends in a slash.
  Result<void> read_directory(const std::string& path) {
    auto opened = open_beneath(root_, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!opened) return means_absent(opened.error()) ? Result<void>() : opened.error();
    const Directory directory(::fdopendir(opened->get()));
    if (!directory) return failure(path);
    const int fd = opened->release();
    for (;;) {
      errno = 0;
      const dirent* const entry = ::readdir(directory.get());
      if (entry == nullptr && errno != 0) return failure(path);
      if (entry == nullptr) return {};
      if (is_dot(entry->d_name)) continue;
      if (auto done = look_at(fd, path, *entry); !done) return done;
    }
  }

  Result<void> look_at(int directory, const std::string& path, const dirent& entry) {
    if (entry.d_type == DT_DIR) return enter(path, entry.d_name);
    if (entry.d_type != DT_REG && entry.d_type != DT_UNKNOWN) return {};
    struct statx st {};
    if (::statx(directory, entry.d_name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, kStatMask, &st) != 0) {
      return errno == ENOENT ? Result<void>() : failure(path + entry.d_name);
    }
    if (S_ISDIR(st.stx_mode)) return enter(path, entry.d_name);
    // Something bind-mounted over a file is not the image's.
    if (!S_ISREG(st.stx_mode) || st.stx_mnt_id != mount_) return {};
    const bool code = rules_.all_code || (st.stx_mode & 0111) != 0 || named_like_shared_object(entry.d_name);
    if (!code) return {};
    const Identity identity = identity_of_statx(st);
    const bool proven = rules_.trust_times && proven_at(identity, started_);
    if (builder_.add({path + entry.d_name, identity, st.stx_mode, code, proven, std::nullopt})) return {};
    return errno_error(EOVERFLOW, "an image has more files than can be recorded");
  }

  Result<void> enter(const std::string& path, const char* name) {
    if (path.size() + std::strlen(name) + 1 + NAME_MAX > kMaxPath) {
      ++too_deep_;
    } else {
      pending_.push_back(path + name + '/');
    }
    return {};
  }

  static Error failure(std::string_view path) {
    return errno_error(fmt::format("cannot read image directory {}", printable(path.substr(0, PATH_MAX))));
  }

  const int root_;
  const WalkRules& rules_;
  const StopCode& stop_;
  const FileTime started_;
  std::uint64_t mount_ = 0;
  std::uint64_t too_deep_ = 0;
  std::vector<std::string> pending_;
  IdentityTable::Builder builder_;
};

}  // namespace

bool named_like_shared_object(std::string_view name) {
  return name.ends_with(".so") || name.find(".so.") != std::string_view::npos;
}

Result<Inventory> walk(int root, const WalkRules& rules, const StopCode& stop) {
  return Walker(root, rules, stop).run();
}

}  // namespace holdfast::baseline
