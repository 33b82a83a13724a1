#include "holdfast/container/mounts.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/container/discovery.h"
#include "holdfast/kernel/host_namespace.h"
#include "holdfast/kernel/proc.h"

#include "host_mounts.h"
#include "path_view.h"

namespace holdfast::container {
namespace {

constexpr std::size_t kMostMounts = 4096;  ///< marked of one table; a container may mount without end

std::optional<kernel::MountEvents> open_events(bool wanted) {
  if (!wanted) return std::nullopt;
  auto events = kernel::MountEvents::open();
  return events ? std::optional(std::move(*events)) : std::nullopt;
}

const kernel::Mount* parent_of(const std::vector<kernel::Mount>& mounts, const kernel::Mount& mount) {
  const auto parent =
      std::find_if(mounts.begin(), mounts.end(), [&](const kernel::Mount& m) { return m.id == mount.parent; });
  return parent == mounts.end() || parent->id == mount.id ? nullptr : &*parent;
}

/// Whether the way to a mount leads through a file system that somebody else serves: a look-up there could hold us.
bool lies_behind_a_server(const std::vector<kernel::Mount>& mounts, const kernel::Mount& mount) {
  constexpr int kDepth = 64;
  const auto* at = parent_of(mounts, mount);
  for (int level = 0; at != nullptr && level < kDepth; ++level, at = parent_of(mounts, *at)) {
    const bool known = opens_locally(at->type) || holds_no_programs(at->type) || at->type == "overlay";
    if (!known && at->mount_point != "/") return true;
  }
  return at != nullptr;
}

/// The mount itself, unless another one covers it.
Result<UniqueFd> open_mount_point(int root, const kernel::Mount& mount) {
  auto fd = open_in_root(root, mount.mount_point, O_PATH | O_NOFOLLOW);
  if (!fd) return fd;
  struct statx st {};
  if (::statx(fd->get(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &st) != 0) return errno_error("statx");
  if ((st.stx_mask & STATX_MNT_ID) == 0 || st.stx_mnt_id != static_cast<std::uint64_t>(mount.id)) {
    return Error{ESTALE, "another mount covers it"};
  }
  return fd;
}

}  // namespace

Mounts::Mounts(Dependencies dependencies)
    : to_(std::move(dependencies)),
      host_(std::make_unique<HostMounts>()),
      events_(open_events(to_.use_events)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      host_namespace_(kernel::host_mount_namespace()),
      thread_([this] { run(); }) {}

Mounts::~Mounts() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
  thread_.join();
}

void Mounts::enter(const std::shared_ptr<Container>& container, int proc_dir, pid_t pid) {
  const auto inode = kernel::namespace_inode(proc_dir, "mnt");
  if (!inode || *inode == host_namespace_ || follows(*container, *inode)) return;
  // Followed first, then read: a mount that comes in between is seen twice rather than not at all.
  if (!follow(*inode, container, proc_dir, pid)) return;
  const auto mounts = kernel::read_mountinfo(proc_dir);
  if (!mounts) return;  // gone, and with it what it wanted to execute
  if (!container->given_mounts()) set_given(*container, *mounts);
  mark_table(container, proc_dir, *mounts);
}

bool Mounts::follows(const Container& container, ino_t space) const {
  const std::lock_guard lock(mutex_);
  const auto known = spaces_.find(space);
  return known != spaces_.end() && known->second.container.lock().get() == &container;
}

void Mounts::set_given(Container& container, const std::vector<kernel::Mount>& mounts) {
  std::vector<Container::GivenMount> given;
  for (const auto& mount : mounts) {
    if (given.size() == kMostMounts) break;
    auto source = host_->path_of(mount.device, mount.root);
    if (source.empty()) source = mount.source;
    given.push_back({mount.device, mount.root, mount.mount_point, std::move(source), mount.type, is_writable(mount)});
  }
  container.set_given_mounts(std::move(given));
}

MountKind Mounts::kind_of(const Container& container, const kernel::Mount& mount) {
  const auto given = container.given_mounts();
  if (container.kind() == RootKind::overlay) {
    if (mount.device == container.device()) return MountKind::root;
  } else if (given) {
    // A plain directory's root shares its device with the host; mounts may be stacked, and the last one is seen.
    const auto root = std::find_if(given->rbegin(), given->rend(), [](const auto& m) { return m.destination == "/"; });
    if (root != given->rend() && root->device == mount.device && lies_below(mount.root, root->root)) {
      return MountKind::root;
    }
  }
  if (holds_no_programs(mount.type)) return MountKind::bare;
  // Podman and containerd mount the container's own shared memory on the host's side first.
  const bool shared_memory = given && std::any_of(given->begin(), given->end(), [&](const auto& m) {
                               return m.destination == "/dev/shm" && m.type == "tmpfs" && m.device == mount.device;
                             });
  if (shared_memory && mount.device != host_->shared_memory()) return MountKind::own;
  if (host_->shows(mount.device) || is_shared_with_others(container, mount.device)) return MountKind::shared;
  return MountKind::own;
}

/// Device numbers are reused, so whoever had one is asked whether it still has it.
bool Mounts::is_shared_with_others(const Container& container, dev_t device) {
  std::vector<std::shared_ptr<Container>> others;
  {
    const std::lock_guard lock(mutex_);
    const auto owners = owners_.find(device);
    if (owners == owners_.end()) return false;
    std::erase_if(owners->second, [](const auto& owner) { return owner.expired(); });
    for (const auto& owner : owners->second) {
      if (auto other = owner.lock(); other && other.get() != &container) others.push_back(std::move(other));
    }
  }
  for (const auto& other : others) {
    const auto proc = kernel::open_proc(other->first_pid());
    const auto mounts = proc ? kernel::read_mountinfo(proc->get()) : Result<std::vector<kernel::Mount>>(proc.error());
    if (mounts && std::any_of(mounts->begin(), mounts->end(), [&](const auto& m) { return m.device == device; })) {
      return true;
    }
  }
  return false;
}

void Mounts::mark_table(const std::shared_ptr<Container>& container, int proc_dir,
                        const std::vector<kernel::Mount>& mounts) {
  const UniqueFd root(::openat(proc_dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return;
  std::size_t marked = 0;
  for (const auto& mount : mounts) {
    const auto kind = kind_of(*container, mount);
    if (kind == MountKind::root || kind == MountKind::bare) continue;
    if (kind == MountKind::own) {
      const std::lock_guard lock(mutex_);
      auto& owners = owners_[mount.device];
      const bool known =
          std::any_of(owners.begin(), owners.end(), [&](const auto& owner) { return owner.lock() == container; });
      if (!known) owners.push_back(container);
    }
    const auto given = container->given_mounts();
    const bool by_runtime = given && std::any_of(given->begin(), given->end(), [&](const auto& m) {
                              return m.device == mount.device && m.type == mount.type;
                            });
    const bool local = opens_locally(mount.type) || (mount.type == "overlay" && by_runtime);
    if (!local || lies_behind_a_server(mounts, mount) || ++marked > kMostMounts) {
      if (!forbids_executions(mount)) container->set_reaches_unmarked_files();
      continue;
    }
    mark(*container, root.get(), mount, kind);
  }
}

void Mounts::mark(const Container& container, int root, const kernel::Mount& mount, MountKind kind) {
  const auto place = open_mount_point(root, mount);
  // Covered, or gone by now: what is executed from there is the net's.
  if (!place) return;
  const bool alone = kind == MountKind::own && !host_->shows(mount.device);
  const auto marked =
      alone ? to_.marker.mark_root(place->get(), container) : to_.marker.mark_mount(place->get(), container);
  if (!marked) {
    to_.on_problem(fmt::format("executions from {} in container {} are found only after they started: {}",
                               printable(mount.mount_point), container.names()->id, marked.error().message));
  }
}

MountUse Mounts::use_of(const Container& container, const kernel::Mount& mount, const std::string& path) {
  MountUse use;
  use.kind = kind_of(container, mount);
  use.type = mount.type;
  use.writable = is_writable(mount);
  const auto given = container.given_mounts();
  const Container::GivenMount* best = nullptr;
  bool exact = false;
  for (std::size_t i = 0; given && i < given->size(); ++i) {
    const auto& one = (*given)[i];
    if (one.device != mount.device || one.type != mount.type || !lies_below(path, one.root)) continue;
    use.writable = use.writable || one.writable;
    // This very mount; or, if it was made inside, the runtime's that shows the file most exactly.
    const bool this_one = one.destination == mount.mount_point && one.root == mount.root;
    if (this_one || (!exact && (best == nullptr || one.root.size() > best->root.size()))) best = &one;
    exact = exact || this_one;
  }
  if (best != nullptr) {
    use.given = true;
    use.destination = best->destination;
    use.source = best->source;
    use.path = rebase(path, best->root, best->destination);
  } else {
    use.source = host_->path_of(mount.device, mount.root);
    if (use.source.empty()) use.source = mount.source;
  }
  return use;
}

void Mounts::mark_again(const Container& container) {
  for (const ino_t inode : spaces_of(container)) look(inode);
}

void Mounts::forget(Container& container) {
  container.forget_given_mounts();
  for (const ino_t inode : spaces_of(container)) drop(inode);
}

std::vector<ino_t> Mounts::spaces_of(const Container& container) const {
  std::vector<ino_t> found;
  const std::lock_guard lock(mutex_);
  for (const auto& [inode, space] : spaces_) {
    if (space.container.lock().get() == &container) found.push_back(inode);
  }
  return found;
}

}  // namespace holdfast::container
