#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "holdfast/base/unique_fd.h"
#include "holdfast/baseline/layers.h"

namespace holdfast::test {

/// A directory of its own below /tmp, removed with this object.
class TempTree {
 public:
  TempTree() {
    std::string name = "/tmp/holdfast-baseline-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~TempTree() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempTree(const TempTree&) = delete;
  TempTree& operator=(const TempTree&) = delete;

  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

  std::string directory(const std::string& name) const {
    std::filesystem::create_directories(*this / name);
    return *this / name;
  }
  std::string file(const std::string& name, const std::string& content, mode_t mode = 0755) const {
    const std::string full = *this / name;
    std::filesystem::create_directories(std::filesystem::path(full).parent_path());
    std::ofstream(full, std::ios::binary | std::ios::trunc) << content;
    if (::chmod(full.c_str(), mode) != 0) throw std::runtime_error("chmod " + full);
    return full;
  }
  void whiteout(const std::string& name) const {
    const std::string full = *this / name;
    std::filesystem::create_directories(std::filesystem::path(full).parent_path());
    if (::mknod(full.c_str(), S_IFCHR | 0600, makedev(0, 0)) != 0) throw std::runtime_error("mknod " + full);
  }
  void opaque(const std::string& name) const {
    if (::setxattr((*this / name).c_str(), "trusted.overlay.opaque", "y", 1, 0) != 0)
      throw std::runtime_error("setxattr");
  }

 private:
  std::string path_;
};

inline UniqueFd open_directory(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw std::runtime_error("open " + path);
  return fd;
}

/// Top first.
template <class... Names>
baseline::Layers layers_of(const TempTree& tree, const Names&... names) {
  baseline::Layers layers;
  for (const std::string& name : {std::string(names)...}) {
    layers.lower.push_back(open_directory(tree / name));
    layers.lower_paths.push_back(tree / name);
  }
  return layers;
}

inline struct stat stat_of(const std::string& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0) throw std::runtime_error("lstat " + path);
  return st;
}

/// Tests that mount need root.
inline bool may_mount() { return ::geteuid() == 0; }

}  // namespace holdfast::test
