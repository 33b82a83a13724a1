#include "holdfast/gate/runtime_binaries.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <utility>

namespace holdfast::gate {
namespace {

// Docker, containerd, Podman, CRI-O, k3s, rke2, k0s and microk8s put their runtimes here.
constexpr std::array kBuiltIn = {
    "/usr/bin/runc",
    "/usr/sbin/runc",
    "/usr/local/bin/runc",
    "/usr/local/sbin/runc",
    "/usr/bin/crun",
    "/usr/sbin/crun",
    "/usr/local/bin/crun",
    "/usr/local/sbin/crun",
    "/usr/bin/docker-runc",
    "/usr/libexec/crio/runc",
    "/usr/libexec/crio/crun",
    "/usr/lib/cri-o-runc/sbin/runc",
    "/usr/bin/youki",
    "/usr/local/bin/youki",
    "/var/lib/k0s/bin/runc",
    "/var/lib/rancher/k3s/data/*/bin/runc",
    "/var/lib/rancher/k3s/data/*/bin/crun",
    "/var/lib/rancher/rke2/data/*/bin/runc",
    "/snap/microk8s/*/bin/runc",
};

constexpr std::uint32_t kReplaced = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;

std::vector<std::string> expand(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  return paths;
}

}  // namespace

RuntimeBinaries::RuntimeBinaries(const std::vector<std::string>& extra)
    : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  set_extra(extra);
}

void RuntimeBinaries::set_extra(const std::vector<std::string>& extra) {
  patterns_.assign(kBuiltIn.begin(), kBuiltIn.end());
  patterns_.insert(patterns_.end(), extra.begin(), extra.end());
}

bool RuntimeBinaries::refresh() {
  drain();
  watch_directories();
  std::vector<Binary> now;
  std::set<std::pair<dev_t, ino_t>> seen;
  for (const auto& pattern : patterns_) {
    for (auto& path : expand(pattern)) {
      UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
      struct stat st {};
      if (!fd || ::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode)) continue;
      // Distributions link /usr/sbin to /usr/bin, and runtimes to alternatives: one mark a file.
      if (!seen.emplace(st.st_dev, st.st_ino).second) continue;
      now.push_back({std::move(path), std::move(fd), st.st_dev, st.st_ino});
    }
  }
  const bool same =
      std::equal(now.begin(), now.end(), binaries_.begin(), binaries_.end(),
                 [](const Binary& a, const Binary& b) { return a.device == b.device && a.inode == b.inode; });
  gone_ = std::exchange(binaries_, std::move(now));
  std::erase_if(gone_, [&](const Binary& one) { return seen.contains({one.device, one.inode}); });
  return !same;
}

void RuntimeBinaries::watch_directories() {
  if (!inotify_) return;
  std::set<std::string> directories;
  for (const auto& pattern : patterns_) {
    for (const auto& directory : expand(pattern.substr(0, pattern.rfind('/')))) directories.insert(directory);
  }
  // Adding a watch that exists changes nothing, so directories may come and go.
  for (const auto& directory : directories) (void)::inotify_add_watch(inotify_.get(), directory.c_str(), kReplaced);
}

void RuntimeBinaries::drain() const {
  alignas(inotify_event) std::array<char, 4096> buffer;
  while (inotify_ && ::read(inotify_.get(), buffer.data(), buffer.size()) > 0) {
  }
}

std::vector<int> RuntimeBinaries::descriptors_of(const std::vector<Binary>& binaries) {
  std::vector<int> fds;
  fds.reserve(binaries.size());
  for (const auto& binary : binaries) fds.push_back(binary.fd.get());
  return fds;
}

std::vector<std::pair<dev_t, ino_t>> RuntimeBinaries::identities() const {
  std::vector<std::pair<dev_t, ino_t>> ids;
  for (const auto& binary : binaries_) ids.emplace_back(binary.device, binary.inode);
  return ids;
}

std::vector<std::string> RuntimeBinaries::paths() const {
  std::vector<std::string> names;
  for (const auto& binary : binaries_) names.push_back(binary.path);
  return names;
}

}  // namespace holdfast::gate
