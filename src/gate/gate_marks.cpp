#include <sys/fanotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "holdfast/gate/gate.h"

namespace holdfast::gate {
namespace {

constexpr std::uint64_t kAllKinds = FAN_OPEN_EXEC_PERM | FAN_OPEN_EXEC | FAN_OPEN_PERM | FAN_OPEN | FAN_CLOSE_WRITE;

bool judges_libraries(const container::Container& container) {
  const auto policy = container.policy();
  return policy && policy->drift.judges_libraries();
}

}  // namespace

std::uint64_t Gate::mask_for(const container::Container& container) const {
  if (container.mode() == policy::Mode::off) return 0;
  const bool asks_permission =
      container.mode() == policy::Mode::prevent || (container.provisional() && dependencies_.any_prevents());
  const std::uint64_t executions = asks_permission ? FAN_OPEN_EXEC_PERM : FAN_OPEN_EXEC;
  if (!judges_libraries(container)) return executions;
  // That a file was closed after writing is told together with its opening, if that was not read yet: see
  // Judge::is_use.
  return executions | (asks_permission ? FAN_OPEN_PERM : FAN_OPEN | FAN_CLOSE_WRITE);
}

Result<void> Gate::apply_mask(int fd, const container::Container& container, std::uint64_t extra,
                              Result<void> (kernel::FanotifyGroup::*add)(int, std::uint64_t) const,
                              Result<void> (kernel::FanotifyGroup::*remove)(int, std::uint64_t) const) {
  // The new kind first, then the old one away: an execution in between is seen twice rather than not at all.
  const std::uint64_t wanted = mask_for(container);
  if (wanted != 0) {
    if (auto added = (group_.*add)(fd, wanted | extra); !added) return added;
  }
  if (auto removed = (group_.*remove)(fd, kAllKinds & ~wanted); !removed && removed.error().code != ENOENT) {
    return removed;
  }
  return {};
}

Result<void> Gate::mark_root(int root, const container::Container& container) {
  return apply_mask(root, container, 0, &kernel::FanotifyGroup::mark_filesystem,
                    &kernel::FanotifyGroup::unmark_filesystem);
}

Result<void> Gate::mark_directory(int directory, const container::Container& container) {
  return apply_mask(directory, container, FAN_EVENT_ON_CHILD, &kernel::FanotifyGroup::mark_inode,
                    &kernel::FanotifyGroup::unmark_inode);
}

Result<void> Gate::mark_mount(int fd, const container::Container& container) {
  return apply_mask(fd, container, 0, &kernel::FanotifyGroup::mark_mount, &kernel::FanotifyGroup::unmark_mount);
}

bool Gate::is_runtime(dev_t device, ino_t inode) const {
  const auto runtimes = runtimes_.load(std::memory_order_acquire);
  return std::binary_search(runtimes->begin(), runtimes->end(), std::pair{device, inode});
}

void Gate::set_runtimes(const std::vector<int>& binaries, const std::vector<int>& gone) {
  auto set = std::make_shared<RuntimeSet>();
  for (const int fd : binaries) {
    struct stat st {};
    if (::fstat(fd, &st) == 0) set->emplace_back(st.st_dev, st.st_ino);
  }
  std::sort(set->begin(), set->end());
  runtimes_.store(std::move(set), std::memory_order_release);  // known before the first event can come
  for (const int fd : binaries) (void)group_.mark_inode(fd, FAN_OPEN_EXEC_PERM);
  // Gone from the set, not from the disk: nobody should wait for us to execute it.
  for (const int fd : gone) (void)group_.unmark_inode(fd, FAN_OPEN_EXEC_PERM);
}

}  // namespace holdfast::gate
