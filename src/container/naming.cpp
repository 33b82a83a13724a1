#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/container/state_files.h"
#include "holdfast/kernel/mountinfo.h"
#include "holdfast/kernel/proc.h"

#include "discovery_impl.h"
#include "path_view.h"

namespace holdfast::container {
namespace {

/// Those ancestors that are on the host's side, the nearest first, until `look` has found what it wants: a container's
/// own process could call itself whatever it likes.
template <class Look>
void visit_host_ancestors(int proc_dir, Look look) {
  constexpr int kGenerations = 16;
  auto status = kernel::read_status(proc_dir);
  for (int generation = 0; status && status->ppid > 1 && generation < kGenerations; ++generation) {
    const auto parent = kernel::open_proc(status->ppid);
    if (!parent) return;
    status = kernel::read_status(parent->get());
    if (!status || !kernel::shares_our_root(parent->get())) continue;
    if (look(parent->get(), *status)) return;
  }
}

/// Of a container that was found running: its shim knows where its containerd keeps its state, wherever that is.
Names names_containerd_of_process(int own_root, int proc_dir, const std::string& id, const std::string& upper_path) {
  Names names;
  visit_host_ancestors(proc_dir, [&](int ancestor, const kernel::ProcessStatus& status) {
    if (status.uid == 0) names = names_containerd_by_shim(ancestor, own_root, id, upper_path);
    return !names.id.empty();
  });
  return names.id.empty() ? names_containerd_by_id(own_root, id, upper_path) : names;
}

}  // namespace

void DiscoveryImpl::note_namespaces(Container& container, int proc_dir) const {
  const auto processes = kernel::namespace_inode(proc_dir, "pid");
  if (processes && *processes != membership_.host_pid_namespace()) {
    container.set_pid_namespace(UniqueFd(::openat(proc_dir, "ns/pid", O_RDONLY | O_CLOEXEC)));
  }
  const auto mounts = kernel::namespace_inode(proc_dir, "mnt");
  if (mounts && *mounts != membership_.host_mount_namespace()) container.set_mount_namespace(*mounts);
}

void DiscoveryImpl::on_first_exec(Container& container, int proc_dir, pid_t pid) {
  meet(container, proc_dir, pid, true);
}

void DiscoveryImpl::meet(Container& container, int proc_dir, pid_t pid, bool waiting) {
  note_namespaces(container, proc_dir);
  container.set_first_pid(pid);
  const auto shared = shared_of(container);
  if (!shared) return;
  if (!container.named()) {
    auto names = names_of_process(container, proc_dir);
    UniqueFd root(::openat(proc_dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root || !is_root_of(root.get(), container)) root = open_root_of(container);
    rename(shared, std::move(names), root.get());
  }
  std::optional<Container::Exposure> unconfirmed;
  {
    const std::lock_guard lock(mutex_);
    if (auto found = unconfirmed_.extract(&container)) unconfirmed = std::move(found.mapped());
  }
  if (unconfirmed) {
    unconfirmed->until = Wall::now();
    expose(shared, std::move(*unconfirmed));
  }
  // Named, and so with its own policy: marks are of the kind that its mode asks for. What the same container had
  // mounted when it ran before counts no more.
  mounts_.forget(container);
  mounts_.enter(shared, proc_dir, pid);
  // Before it goes on.
  seal_.enter(shared, proc_dir, waiting ? pid : 0);
}

Names DiscoveryImpl::names_of_process(const Container& container, int proc_dir) const {
  Names names = *container.names();
  if (names.id.empty()) {
    const auto id = container_id_of(kernel::read_cgroup(proc_dir));
    names = names_containerd_of_process(own_root_.get(), proc_dir, id, container.upper_directory());
    names.id = id;
  }
  if (!names.name.empty()) return names;
  const auto conmon = conmon_of(container, proc_dir);
  if (conmon && (names.id.empty() || names.id == conmon->id)) {
    names.id = conmon->id;
    names.name = conmon->name;
    names.runtime = base_name(conmon->runtime);
    names.bundle = conmon->bundle;
  }
  if (names.name.empty()) names.name = names.id;
  return names;
}

/// The nearest conmon of whom the container is.
std::optional<Conmon> DiscoveryImpl::conmon_of(const Container& container, int proc_dir) const {
  constexpr std::size_t kArguments = 16384;
  struct stat upper {};
  const bool has_upper =
      !container.upper_directory().empty() && ::lstat(container.upper_directory().c_str(), &upper) == 0;
  std::optional<Conmon> found;
  visit_host_ancestors(proc_dir, [&](int ancestor, const kernel::ProcessStatus& status) {
    auto conmon = parse_conmon(kernel::read_cmdline(ancestor, kArguments));
    if (!conmon) return false;
    if (status.uid == 0 || (has_upper && status.uid == upper.st_uid)) found = std::move(conmon);
    return true;
  });
  return found;
}

void DiscoveryImpl::rename(const Shared& container, Names names, int root) {
  if (!names.image.empty()) background_.name_image(container->baseline()->id(), names.image, names.digest);
  container->set_names(std::move(names));
  give_policy(container);
  // Even in the same mode: a mark that had to ask for permission provisionally need not any more.
  if (root >= 0) mark_again(container, root);
}

void DiscoveryImpl::give_policy(const Shared& container) {
  {
    // One at a time: whoever gives last has looked last.
    const std::lock_guard lock(giving_);
    container->set_policy(to_.policies()->find(container->names()->subject()),
                          to_.override_of ? to_.override_of(*container) : nullptr);
  }
  tell_unread_labels(*container);
  if (!container->prohibitions_ready()) background_.fill_prohibited(container);
  seal_.renew(*container);
}

/// A policy that is not given to a container because nobody can tell its labels must not be missed in silence.
void DiscoveryImpl::tell_unread_labels(const Container& container) {
  const auto names = container.names();
  if (!names->labels_unknown) return;
  const auto missed = to_.policies()->find_but_for_labels(names->subject());
  if (missed == nullptr) return;
  problem_(
      fmt::format("container {}: policy {} asks for a label, and what labels it has cannot be read; it has policy {}",
                  printable(names->name.empty() ? names->id : names->name), printable(missed->name),
                  printable(container.own_policy()->name)));
}

void DiscoveryImpl::mark_again(const Shared& container, int root) {
  std::optional<uid_t> plain;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = plain_roots_.find(container.get()); found != plain_roots_.end()) plain = found->second;
  }
  const auto marked = plain ? mark_directories(*container, root, *plain) : to_.marker.mark_root(root, *container);
  note_mark(container, marked);
  if (!marked) {
    problem_(fmt::format("the mark of container {} cannot be changed for mode {}: {}",
                         printable(container->names()->id), policy::to_string(container->mode()),
                         marked.error().message));
  }
}

bool DiscoveryImpl::is_root_of(int directory, const Container& container) const {
  struct stat st {};
  if (::fstat(directory, &st) != 0 || st.st_dev != container.device()) return false;
  if (to_.registry.find(container.device()).get() == &container) return true;  // a superblock of its own
  const auto key = root_key_of(directory);
  return key && *key == container.key();
}

/// By way of a mount that a process sees: it may have another root than its container's by now, or not yet that one.
UniqueFd DiscoveryImpl::open_mounted_root(const Container& container, int proc_dir) const {
  const UniqueFd root(::openat(proc_dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto mounts = kernel::read_mountinfo(proc_dir);
  if (!root || !mounts) return {};
  for (const auto& candidate : candidate_roots(*mounts)) {
    if (candidate.device != container.device()) continue;
    auto opened = open_candidate(root.get(), candidate);
    if (opened && is_root_of(opened->directory.get(), container)) return std::move(opened->directory);
  }
  return {};
}

UniqueFd DiscoveryImpl::open_root_of(const Container& container) const {
  const auto through = [&](pid_t pid) {
    UniqueFd root(::open(fmt::format("/proc/{}/root", pid).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    return root && is_root_of(root.get(), container) ? std::move(root) : UniqueFd{};
  };
  if (container.first_pid() != 0) {
    if (auto root = through(container.first_pid())) return root;
    if (const auto proc = kernel::open_proc(container.first_pid())) {
      if (auto root = open_mounted_root(container, proc->get())) return root;
    }
  }
  auto here = open_in_root(own_root_.get(), container.root_mount_point(), O_PATH | O_DIRECTORY);
  if (here && is_root_of(here->get(), container)) return std::move(*here);
  for (const auto pid : kernel::list_pids()) {
    if (auto root = through(pid)) return root;
  }
  return {};
}

DiscoveryImpl::Shared DiscoveryImpl::shared_of(const Container& container) const {
  if (auto found = to_.registry.find(container.device()); found.get() == &container) return found;
  auto snapshot = to_.registry.find_snapshot(container.key());
  return snapshot.get() == &container ? snapshot : nullptr;
}

}  // namespace holdfast::container
