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

void DiscoveryImpl::on_first_exec(Container& container, int proc_dir, pid_t pid) {
  container.set_first_pid(pid);
  const auto shared = shared_of(container);
  if (!shared) return;
  std::optional<Container::Exposure> unconfirmed;
  {
    const std::lock_guard lock(mutex_);
    if (auto found = unconfirmed_.extract(&container)) unconfirmed = std::move(found.mapped());
  }
  if (unconfirmed) {
    unconfirmed->until = Wall::now();
    expose(shared, std::move(*unconfirmed));
  }
  if (container.named()) return;
  auto names = names_of_process(container, proc_dir);
  UniqueFd root(::openat(proc_dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root || !is_root_of(root.get(), container)) root = open_root_of(container);
  rename(shared, std::move(names), root.get());
}

Names DiscoveryImpl::names_of_process(const Container& container, int proc_dir) const {
  Names names = *container.names();
  if (names.id.empty()) {
    const auto id = container_id_of(kernel::read_cgroup(proc_dir));
    names = names_containerd_by_id(own_root_.get(), id);
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

/// The nearest ancestor that is a conmon on the host's side: a container's own process could call itself so.
std::optional<Conmon> DiscoveryImpl::conmon_of(const Container& container, int proc_dir) const {
  constexpr int kGenerations = 16;
  constexpr std::size_t kArguments = 16384;
  struct stat upper {};
  const bool has_upper =
      !container.upper_directory().empty() && ::lstat(container.upper_directory().c_str(), &upper) == 0;
  auto status = kernel::read_status(proc_dir);
  for (int generation = 0; status && status->ppid > 1 && generation < kGenerations; ++generation) {
    const auto parent = kernel::open_proc(status->ppid);
    if (!parent) return std::nullopt;
    status = kernel::read_status(parent->get());
    if (!status || !is_own_root(parent->get())) continue;
    auto conmon = parse_conmon(kernel::read_cmdline(parent->get(), kArguments));
    if (!conmon) continue;
    if (status->uid == 0 || (has_upper && status->uid == upper.st_uid)) return conmon;
    return std::nullopt;
  }
  return std::nullopt;
}

void DiscoveryImpl::rename(const Shared& container, Names names, int root) {
  if (!names.image.empty()) background_.name_image(container->baseline()->id(), names.image, names.digest);
  container->set_names(std::move(names));
  give_policy(container);
  // Even in the same mode: a mark that had to ask for permission provisionally need not any more.
  if (root >= 0) mark_again(*container, root);
}

void DiscoveryImpl::give_policy(const Shared& container) {
  container->set_policy(to_.policies()->find(container->names()->subject()));
  if (!container->prohibitions_ready()) background_.fill_prohibited(container);
}

void DiscoveryImpl::mark_again(const Container& container, int root) {
  std::optional<uid_t> plain;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = plain_roots_.find(&container); found != plain_roots_.end()) plain = found->second;
  }
  const auto marked = plain ? mark_directories(container, root, *plain) : to_.marker.mark_root(root, container);
  if (!marked) {
    problem_(fmt::format("the mark of container {} cannot be changed for mode {}: {}", printable(container.names()->id),
                         policy::to_string(container.mode()), marked.error().message));
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
