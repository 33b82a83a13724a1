#include "root_scan.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <cerrno>
#include <unordered_map>

#include <fmt/format.h>

#include "holdfast/base/text.h"

#include "path_view.h"

namespace holdfast::container {
namespace {

// A device mounted a thousand times over is no reason to try a thousand times.
constexpr std::size_t kMountsTried = 8;

bool has_upper(const kernel::Mount& mount) {
  return mount.super_options.starts_with("upperdir=") || mount.super_options.find(",upperdir=") != std::string::npos;
}

Result<UniqueFd> open_mount(int process_root, const kernel::Mount& mount, bool fuse) {
  auto directory = open_in_root(process_root, mount.mount_point, O_RDONLY | O_DIRECTORY);
  if (!directory) return directory.error();
  struct stat st {};
  if (::fstat(directory->get(), &st) != 0) return errno_error("fstat");
  if (st.st_dev != mount.device) return Error{ESTALE, "another file system covers it"};
  struct statfs fs {};
  if (!fuse && (::fstatfs(directory->get(), &fs) != 0 || fs.f_type != OVERLAYFS_SUPER_MAGIC)) {
    return Error{ESTALE, "it is not an overlay"};
  }
  return directory;
}

}  // namespace

std::vector<CandidateRoot> candidate_roots(const std::vector<kernel::Mount>& mounts) {
  std::vector<CandidateRoot> out;
  std::unordered_map<dev_t, std::size_t> index;
  for (const auto& mount : mounts) {
    const bool fuse = mount.type == "fuse.fuse-overlayfs";
    if (!fuse && (mount.type != "overlay" || !has_upper(mount))) continue;
    const auto [at, added] = index.try_emplace(mount.device, out.size());
    if (added) out.push_back({mount.device, fuse, {}});
    auto& tried = out[at->second].mounts;
    // The mount of the whole file system first: others show a part of it, or a single file.
    if (mount.root == "/") {
      tried.insert(tried.begin(), &mount);
    } else {
      tried.push_back(&mount);
    }
    if (tried.size() > kMountsTried) tried.pop_back();
  }
  return out;
}

Result<OpenRoot> open_candidate(int process_root, const CandidateRoot& candidate) {
  Error last{ENOENT, "no mount to open"};
  for (const auto* mount : candidate.mounts) {
    auto directory = open_mount(process_root, *mount, candidate.fuse);
    if (directory) return OpenRoot{std::move(*directory), mount};
    last = directory.error();
    last.message = fmt::format("root file system at {}: {}", printable(mount->mount_point), last.message);
  }
  return last;
}

std::set<dev_t> host_devices() {
  std::set<dev_t> devices;
  for (const char* path :
       {"/", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/opt", "/var", "/root", "/srv", "/boot"}) {
    struct statx st {};
    // Neither an automounter nor a dead file server may hold us.
    if (::statx(AT_FDCWD, path, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_TYPE, &st) == 0) {
      devices.insert(makedev(st.stx_dev_major, st.stx_dev_minor));
    }
  }
  return devices;
}

}  // namespace holdfast::container
