#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "holdfast/container/mounts.h"
#include "holdfast/kernel/pidfd.h"
#include "holdfast/kernel/proc.h"

#include "host_mounts.h"

namespace holdfast::container {
namespace {

/// Followed of one container; one more is left to the net, so that a container cannot use up our descriptors.
constexpr std::size_t kMostSpaces = 256;

// What an epoll event is about: a namespace's process has ended, or its table has changed. Inode numbers of namespaces
// are 32 bits wide and never 0 or 1.
constexpr std::uint64_t kWake = 0;
constexpr std::uint64_t kEvents = 1;
constexpr std::uint64_t kTable = std::uint64_t{1} << 63U;

void add(const UniqueFd& epoll, int fd, std::uint32_t events, std::uint64_t about) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = about;
  (void)::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event);
}

}  // namespace

/// False if it cannot be followed, or is one more than the container may have.
bool Mounts::follow(ino_t inode, const std::shared_ptr<Container>& container, int proc_dir, pid_t pid) {
  if (spaces_of(*container).size() >= kMostSpaces) return false;
  Space space;
  space.container = container;
  space.pid = pid;
  auto process = kernel::open_pidfd(pid);
  if (!process) return false;
  space.pidfd = std::move(*process);
  if (events_) {
    const UniqueFd file(::openat(proc_dir, "ns/mnt", O_RDONLY | O_CLOEXEC));
    const auto id = file ? kernel::mount_namespace_id(file.get()) : Result<std::uint64_t>(errno_error("open ns/mnt"));
    if (!id || !events_->watch(file.get())) return false;
    space.id = *id;
  } else {
    space.table = UniqueFd(::openat(proc_dir, "mountinfo", O_RDONLY | O_CLOEXEC));
  }
  const std::lock_guard lock(mutex_);
  auto& kept = spaces_[inode] = std::move(space);  // one that had this number before is gone, and its watch with it
  add(epoll_, kept.pidfd.get(), EPOLLIN, inode);
  if (kept.table) add(epoll_, kept.table.get(), EPOLLPRI, inode | kTable);
  return true;
}

void Mounts::run() {
  add(epoll_, wake_.get(), EPOLLIN, kWake);
  if (events_) add(epoll_, events_->fd(), EPOLLIN, kEvents);
  for (;;) {
    std::array<epoll_event, 16> ready{};
    const int count = ::epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), -1);
    for (int i = 0; i < count; ++i) {
      const std::uint64_t about = ready.at(static_cast<std::size_t>(i)).data.u64;
      if (about == kWake) return;
      if (about == kEvents) {
        take_mount_events();
      } else if ((about & kTable) != 0) {
        look(about & ~kTable);
      } else {
        replace_process(about);
      }
    }
  }
}

/// A mount event names the mount, not its namespace: each namespace is asked.
void Mounts::take_mount_events() {
  const auto batch = events_->read();
  if (!batch) return;
  std::vector<std::pair<ino_t, std::uint64_t>> followed;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [inode, space] : spaces_) followed.emplace_back(inode, space.id);
  }
  for (const auto& space : followed) {
    const bool changed = batch->lost || std::any_of(batch->attached.begin(), batch->attached.end(),
                                                    [&](auto mount) { return kernel::has_mount(space.second, mount); });
    if (changed) look(space.first);
  }
}

/// Reads a namespace's table again, and marks what it shows.
void Mounts::look(ino_t inode) {
  std::shared_ptr<Container> container;
  pid_t pid = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = spaces_.find(inode);
    if (found == spaces_.end()) return;
    container = found->second.container.lock();
    pid = found->second.pid;
  }
  const auto proc = kernel::open_proc(pid);
  const auto now = proc ? kernel::namespace_inode(proc->get(), "mnt") : Result<ino_t>(proc.error());
  if (!container || !now || *now != inode) return replace_process(inode);
  if (const auto mounts = kernel::read_mountinfo(proc->get())) mark_table(container, proc->get(), *mounts);
}

/// The process through which a namespace was read has ended, or has left it. Another one may live there.
void Mounts::replace_process(ino_t inode) {
  std::shared_ptr<Container> container;
  {
    const std::lock_guard lock(mutex_);
    const auto found = spaces_.find(inode);
    if (found == spaces_.end()) return;
    container = found->second.container.lock();
  }
  for (const pid_t pid : container ? kernel::list_pids() : std::vector<pid_t>()) {
    const auto proc = kernel::open_proc(pid);
    const auto space = proc ? kernel::namespace_inode(proc->get(), "mnt") : Result<ino_t>(proc.error());
    if (!space || *space != inode) continue;
    auto pidfd = kernel::open_pidfd(pid);
    if (!pidfd || kernel::has_ended(pidfd->get())) continue;
    const std::lock_guard lock(mutex_);
    const auto found = spaces_.find(inode);
    if (found == spaces_.end()) return;
    found->second.pid = pid;
    found->second.pidfd = std::move(*pidfd);  // the old one's epoll entry goes with its descriptor
    add(epoll_, found->second.pidfd.get(), EPOLLIN, inode);
    return;
  }
  drop(inode);
}

void Mounts::drop(ino_t inode) {
  const std::lock_guard lock(mutex_);
  spaces_.erase(inode);
}

}  // namespace holdfast::container
