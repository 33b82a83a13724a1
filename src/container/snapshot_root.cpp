#include "snapshot_root.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <sstream>
#include <vector>

#include "holdfast/base/unique_fd.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::container {
namespace {

// Each open directory of a path costs a descriptor; a tree of more directories than this is no image.
constexpr std::size_t kMaxDepth = 256;
constexpr std::size_t kMaxDirectories = 500'000;

bool in_own_user_namespace(int proc_dir) {
  struct stat ours {};
  struct stat theirs {};
  return ::stat("/proc/self/ns/user", &ours) == 0 && ::fstatat(proc_dir, "ns/user", &theirs, 0) == 0 &&
         ours.st_ino != theirs.st_ino;
}

/// Whether the process's user namespace maps a host uid (user_namespaces(7): "first-inside first-outside count").
bool maps_uid(int proc_dir, uid_t uid) {
  constexpr std::size_t kLimit = 65536;
  const auto text = kernel::read_file_at(proc_dir, "uid_map", kLimit);
  if (!text) return false;
  std::istringstream in(*text);
  std::uint64_t inside = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  while (in >> inside >> outside >> count) {
    if (uid >= outside && uid - outside < count) return true;
  }
  return false;
}

class Level {
 public:
  static std::unique_ptr<Level> open(int parent, const char* name) {
    UniqueFd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return nullptr;
    DIR* stream = ::fdopendir(fd.get());
    if (stream == nullptr) return nullptr;
    return std::unique_ptr<Level>(new Level(stream, fd.release()));
  }
  ~Level() { ::closedir(stream_); }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  /// The next entry that may be a directory; null at the end.
  const char* next() {
    while (const dirent* entry = ::readdir(stream_)) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN) return entry->d_name;
    }
    return nullptr;
  }

 private:
  Level(DIR* stream, int fd) : stream_(stream), fd_(fd) {}
  DIR* stream_;
  int fd_;
};

}  // namespace

bool owned_by(int directory, const Caller& caller) {
  struct stat st {};
  if (::fstat(directory, &st) != 0) return false;
  if (st.st_uid == caller.uid) return true;
  return st.st_uid != 0 && in_own_user_namespace(caller.proc_dir) && maps_uid(caller.proc_dir, st.st_uid);
}

std::optional<std::string> refuse_root(int directory, const Caller& caller) {
  struct stat st {};
  if (::fstat(directory, &st) != 0) return "it cannot be read";
  for (const char* path : {"/", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/opt", "/var", "/root", "/srv",
                           "/boot", "/home", "/run", "/tmp", "/dev", "/proc", "/sys"}) {
    struct stat host {};
    if (::fstatat(AT_FDCWD, path, &host, AT_NO_AUTOMOUNT) == 0 && host.st_dev == st.st_dev &&
        host.st_ino == st.st_ino) {
      return std::string("it is the host's own ") + path;
    }
  }
  if (caller.uid != 0 && !owned_by(directory, caller)) return "it does not belong to the user who starts it";
  return std::nullopt;
}

Result<void> visit_directories(int root, bool skip_host_root, const std::function<Result<void>(int)>& visit) {
  struct stat top {};
  if (::fstat(root, &top) != 0) return errno_error("fstat");
  std::vector<std::unique_ptr<Level>> path;
  std::size_t seen = 0;
  const auto enter = [&](std::unique_ptr<Level> level) -> Result<void> {
    struct stat st {};
    if (!level || ::fstat(level->fd(), &st) != 0 || st.st_dev != top.st_dev) return {};
    if (skip_host_root && st.st_uid == 0) return {};
    if (path.size() >= kMaxDepth || ++seen > kMaxDirectories) {
      return Error{E2BIG, "the root has too many or too deep directories to be watched"};
    }
    if (auto done = visit(level->fd()); !done) return done;
    path.push_back(std::move(level));
    return {};
  };
  if (auto done = enter(Level::open(root, ".")); !done) return done;
  while (!path.empty()) {
    const char* name = path.back()->next();
    if (name == nullptr) {
      path.pop_back();
    } else if (auto done = enter(Level::open(path.back()->fd(), name)); !done) {
      return done;
    }
  }
  return {};
}

}  // namespace holdfast::container
