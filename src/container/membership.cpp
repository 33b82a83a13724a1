#include "holdfast/container/membership.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "holdfast/base/unique_fd.h"
#include "holdfast/container/state_files.h"
#include "holdfast/kernel/file.h"
#include "holdfast/kernel/host_namespace.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::container {
namespace {

/// The kernel nests no deeper (pid_namespaces(7)).
constexpr int kMostNested = 32;

}  // namespace

Membership::Membership(const Registry& registry)
    : registry_(registry),
      host_mount_namespace_(kernel::host_mount_namespace()),
      host_pid_namespace_(kernel::own_namespace_inode("pid")) {}

std::shared_ptr<Container> Membership::container_of(int proc_dir) const {
  struct stat root {};
  if (kernel::stat_without_asking(proc_dir, "root", root)) {
    if (auto found = registry_.find(root.st_dev)) return found;
  }
  if (auto found = registry_.find_snapshot_of(proc_dir)) return found;
  const auto mounts = kernel::namespace_inode(proc_dir, "mnt");
  if (!mounts || *mounts == host_mount_namespace_) return nullptr;
  if (auto found = by_pid_namespace(proc_dir)) return found;
  return by_cgroup(proc_dir);
}

/// A PID namespace may be shared by several containers (a pod): then the mount namespace tells, or the cgroup.
std::shared_ptr<Container> Membership::by_pid_namespace(int proc_dir) const {
  const auto mounts = kernel::namespace_inode(proc_dir, "mnt");
  UniqueFd space(::openat(proc_dir, "ns/pid", O_RDONLY | O_CLOEXEC));
  const auto all = registry_.all();
  for (int level = 0; space && level < kMostNested; ++level) {
    struct stat st {};
    if (::fstat(space.get(), &st) != 0 || st.st_ino == host_pid_namespace_) return nullptr;
    std::vector<std::shared_ptr<Container>> found;
    for (const auto& container : all) {
      if (container->pid_namespace() == st.st_ino) found.push_back(container);
    }
    for (const auto& container : found) {
      if (mounts && container->mount_namespace() == *mounts) return container;
    }
    if (found.size() == 1) return found.front();
    if (!found.empty()) {
      auto told = by_cgroup(proc_dir);
      return told ? told : found.front();
    }
    space = UniqueFd(::ioctl(space.get(), NS_GET_PARENT));
  }
  return nullptr;
}

std::shared_ptr<Container> Membership::by_cgroup(int proc_dir) const {
  const auto id = container_id_of(kernel::read_cgroup(proc_dir));
  if (id.empty()) return nullptr;
  for (auto& container : registry_.all()) {
    if (container->names()->id == id) return container;
  }
  return nullptr;
}

}  // namespace holdfast::container
