#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/container/state_files.h"
#include "holdfast/kernel/proc.h"

#include "discovery_impl.h"
#include "path_view.h"

namespace holdfast::container {
namespace {

constexpr std::size_t kCommandLineLimit = 65536;

std::string joined(const std::string& directory, const std::string& path) {
  return path.starts_with('/') ? path : directory + '/' + path;
}

}  // namespace

/// The name of the runtime that a process is already, by the marked binaries: runc forks its `init`, crun executes a
/// clone of itself, and at both moments the process still is the runtime that was asked to start a container.
std::optional<std::string> DiscoveryImpl::runtime_name(int proc_dir) const {
  struct stat exe {};
  if (::fstatat(proc_dir, "exe", &exe, 0) != 0) return std::nullopt;
  {
    const std::lock_guard lock(mutex_);
    if (!runtimes_.contains({exe.st_dev, exe.st_ino})) return std::nullopt;
  }
  const auto path = kernel::read_link_at(proc_dir, "exe");
  return path ? base_name(*path) : std::string{};
}

std::optional<DiscoveryImpl::Start> DiscoveryImpl::read_start(int proc_dir, int process_root) const {
  Start start;
  auto runtime = runtime_name(proc_dir);
  if (!runtime) return std::nullopt;
  start.runtime = std::move(*runtime);
  auto invocation = parse_invocation(kernel::read_cmdline(proc_dir, kCommandLineLimit));
  if (!invocation || invocation->command == Invocation::Command::start) return std::nullopt;
  start.invocation = std::move(*invocation);
  const auto status = kernel::read_status(proc_dir);
  const auto cwd = kernel::read_link_at(proc_dir, "cwd");
  if (!status || !cwd) return std::nullopt;
  start.caller = {status->uid, proc_dir};
  start.bundle = start.invocation.bundle.empty() ? *cwd : joined(*cwd, start.invocation.bundle);
  const auto bundle = open_in_root(process_root, start.bundle, O_PATH | O_DIRECTORY);
  const auto text =
      bundle ? read_state_file(bundle->get(), "config.json", kBundleLimit) : Result<std::string>(bundle.error());
  auto config = text ? parse_bundle_config(*text) : Result<BundleConfig>(text.error());
  if (!config) return std::nullopt;
  start.config = std::move(*config);
  start.root_path = joined(start.bundle, start.config.root_path);
  auto root = open_in_root(process_root, start.root_path, O_RDONLY | O_DIRECTORY);
  if (!root) return std::nullopt;
  start.root = std::move(*root);
  return start;
}

void DiscoveryImpl::follow_invocation(int proc_dir, int process_root) {
  const auto start = read_start(proc_dir, process_root);
  if (!start) return;
  struct stat st {};
  struct statfs fs {};
  if (::fstat(start->root.get(), &st) != 0 || ::fstatfs(start->root.get(), &fs) != 0) return;
  if (const auto container = to_.registry.find(st.st_dev)) {
    // Never trust a command line of somebody who does not own what it names.
    if (start->caller.uid == 0 || owned_by(start->root.get(), start->caller)) start_on_overlay(container, *start);
    return;
  }
  // An overlay that is not registered has no upper directory, so nothing in it can drift, or is the host's own.
  if (fs.f_type != OVERLAYFS_SUPER_MAGIC) start_on_directory(*start, process_root, proc_dir);
}

Names DiscoveryImpl::names_of_start(const Start& start, Names known) const {
  if (known.id.empty()) {
    known.id = start.invocation.id;
    apply_annotations(start.config.annotations, known);
    if (known.name.empty()) known.name = known.id;
  }
  if (known.id != start.invocation.id) return known;  // another container on the same root: the first one's names stay
  if (known.runtime.empty()) known.runtime = start.runtime;
  if (known.bundle.empty()) known.bundle = start.bundle;
  return known;
}

void DiscoveryImpl::start_on_overlay(const Shared& container, const Start& start) {
  forget_ended_process(container, start.invocation);
  const auto known = container->names();
  auto names = names_of_start(start, *known);
  if (container->named() && names.id == known->id && names.runtime == known->runtime && names.bundle == known->bundle) {
    return;
  }
  rename(container, std::move(names), start.root.get());
}

/// The one that a new start replaces may not have ended yet, though it was killed.
void DiscoveryImpl::forget_ended_process(const Shared& container, const Invocation& invocation) const {
  const pid_t pid = container->first_pid();
  if (pid == 0) return;
  if (invocation.command != Invocation::Command::start) return container->set_first_pid(0);
  const UniqueFd root(::open(fmt::format("/proc/{}/root", pid).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root || !is_root_of(root.get(), *container)) container->set_first_pid(0);
}

void DiscoveryImpl::start_on_directory(const Start& start, int process_root, int proc_dir) {
  const auto refuse = [&](const std::string& why) {
    problem_(fmt::format("the container {} is not protected: its root {}: {}", printable(start.invocation.id),
                         printable(start.root_path), why));
    struct stat st {};
    if (::fstat(start.root.get(), &st) != 0) return;
    to_.unprotected.add({start.invocation.id, why, st.st_dev, st.st_ino, 0, Wall::now()});
  };
  if (const auto why = refuse_root(start.root.get(), start.caller)) return refuse(*why);
  const auto key = root_key_of(start.root.get());
  if (!key) return refuse(key.error().message);
  const DeviceClaims::Claim claim(claims_, {key->device, key->inode});
  const RootPlace place{start.root_path, start.root_path, process_root, process_root, proc_dir};
  auto names = names_of_start(start, find_names(place));
  auto container = to_.registry.find_snapshot(*key);
  const bool is_new = !container;
  if (is_new) {
    auto baseline = to_.catalog.open_snapshot(start.root.get());
    if (!baseline) return refuse(baseline.error().message);
    container = std::make_shared<Container>(key->device, *key, RootKind::snapshot, std::move(*baseline), std::string(),
                                            start.root_path);
  } else if (container->names()->id != names.id) {
    container->set_first_pid(0);  // the directory serves another container now
  } else {
    forget_ended_process(container, start.invocation);
  }
  if (!names.image.empty()) background_.name_image(container->baseline()->id(), names.image, names.digest);
  container->set_names(std::move(names));
  give_policy(container);
  {
    const std::lock_guard lock(mutex_);
    plain_roots_[container.get()] = start.caller.uid;
  }
  if (is_new) to_.registry.put_snapshot(container);
  to_.unprotected.remove(key->device, key->inode);
  finish_directory(container, start.root.get(), start.caller.uid);
  if (is_new) to_.on_container(container, "");
}

/// Each time it is started: directories may have been made since.
void DiscoveryImpl::finish_directory(const Shared& container, int root, uid_t caller) {
  const auto told = [&](const Error& error) {
    problem_(fmt::format("the container {} on a plain directory is not protected completely: {}",
                         printable(container->names()->id), error.message));
  };
  const auto marked = mark_directories(*container, root, caller);
  note_mark(container, marked);
  if (!marked) told(marked.error());
  if (const auto watched = watch_->add(root, container); !watched) told(watched.error());
}

Result<void> DiscoveryImpl::mark_directories(const Container& container, int root, uid_t caller) {
  // A user who cannot write a directory of the host's root must not have it marked either.
  return visit_directories(root, caller != 0,
                           [&](int directory) { return to_.marker.mark_directory(directory, container); });
}

}  // namespace holdfast::container
