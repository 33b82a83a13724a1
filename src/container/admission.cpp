#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/kernel/file.h"
#include "holdfast/kernel/proc.h"

#include "discovery_impl.h"
#include "layers_of.h"

namespace holdfast::container {
namespace {

// Anybody who may make a user namespace may mount overlays; nobody runs this many containers on one host.
constexpr std::size_t kMaxContainers = 8192;

LayerSources sources_of(int own_root, const TableView& view) {
  return {own_root, view.believe_layers ? view.root : -1, view.proc_dir};
}

}  // namespace

bool DiscoveryImpl::still_mounted(dev_t device) const {
  const auto known = to_.registry.find(device);
  return known && watch_->watches(*known);
}

void DiscoveryImpl::admit_table(const std::vector<kernel::Mount>& mounts, const TableView& view) {
  for (const auto& candidate : candidate_roots(mounts)) {
    {
      const std::lock_guard lock(mutex_);
      if (host_devices_.contains(candidate.device)) continue;
    }
    if (view.about_to_execute) confirm(candidate.device);
    // The same superblock as when it was marked: a thousand running containers cost the next one nothing.
    if (!still_mounted(candidate.device)) admit(candidate, view);
  }
}

void DiscoveryImpl::admit(const CandidateRoot& candidate, const TableView& view) {
  const DeviceClaims::Claim claim(claims_, {candidate.device, 0});
  if (still_mounted(candidate.device)) return;
  const auto refuse = [&](const std::string& why) {
    problem_(fmt::format("a container's root file system is not protected: {}", why));
    to_.unprotected.add({{}, why, candidate.device, 0, 0, Wall::now()});
  };
  const auto root = open_candidate(view.root, candidate);
  if (!root) return refuse(root.error().message);
  if (to_.registry.find(candidate.device)) {
    const auto renewed = renew_mark(to_.registry.find(candidate.device), *root, view);
    if (renewed) return;
    if (renewed.error().code != ESTALE) return refuse(renewed.error().message);
  }
  if (to_.registry.table()->size() >= kMaxContainers) return refuse("there are too many containers");
  Names names;
  const auto container = candidate.fuse ? make_fuse(*root, view) : make_overlay(*root, view, names);
  if (!container) return refuse(container.error().message);
  introduce(*container, root->directory.get(), std::move(names), view);
}

/// A known device that is not watched: keeps the container if it has the same upper directory, ESTALE if not.
Result<void> DiscoveryImpl::renew_mark(const Shared& container, const OpenRoot& root, const TableView& view) {
  if (container->kind() != RootKind::overlay) return Error{ESTALE, "no layers to compare"};
  const auto options = kernel::parse_overlay_options(root.mount->super_options);
  if (!options) return options.error();
  const auto upper = find_upper(*options, root.mount->mount_point, sources_of(own_root_.get(), view));
  if (!upper) return upper.error();
  if (upper->key != container->key()) return Error{ESTALE, "another container has the device now"};
  mark_and_watch(container, root.directory.get());
  return {};
}

Result<DiscoveryImpl::Shared> DiscoveryImpl::make_overlay(const OpenRoot& root, const TableView& view, Names& names) {
  const auto& mount = *root.mount;
  const auto where = [&](const Error& error) {
    return Error{error.code, fmt::format("overlay at {}: {}", printable(mount.mount_point), error.message)};
  };
  const auto options = kernel::parse_overlay_options(mount.super_options);
  if (!options) return where(options.error());
  auto found = find_layers(*options, mount.mount_point, sources_of(own_root_.get(), view));
  if (!found) return where(found.error());
  RootPlace place;
  place.upper_path = found->upper_path;
  place.mount_point = mount.mount_point;
  place.layer_root = found->in_our_namespace ? own_root_.get() : view.root;
  place.mount_root = view.believe_layers ? view.root : own_root_.get();
  place.caller = view.about_to_execute ? view.proc_dir : -1;
  names = find_names(place);
  auto baseline = to_.catalog.open_image(std::move(found->layers));
  if (!baseline) return where(baseline.error());
  return std::make_shared<Container>(mount.device, found->key, RootKind::overlay, std::move(*baseline),
                                     found->upper_path, mount.mount_point);
}

/// fuse-overlayfs merges the layers in a process of the user's: no layers for us to read, but a superblock to mark.
Result<DiscoveryImpl::Shared> DiscoveryImpl::make_fuse(const OpenRoot& root, const TableView& view) {
  const auto where = [&](const std::string& why) {
    return Error{0, fmt::format("fuse-overlayfs at {}: {}", printable(root.mount->mount_point), why)};
  };
  if (!view.exposure.empty()) return where("it runs already, and what its image shipped cannot be known any more");
  const auto key = root_key_of(root.directory.get());
  if (!key) return where(key.error().message);
  // Snapshots are kept by the identity of their root: every FUSE root is inode 1 on a device that is reused at once.
  if (key->birth == 0) return where("its root has no birth time, so its baseline could be taken for another's");
  auto baseline = to_.catalog.open_snapshot(root.directory.get());
  if (!baseline) return where(baseline.error().message);
  return std::make_shared<Container>(root.mount->device, *key, RootKind::snapshot, std::move(*baseline), std::string(),
                                     root.mount->mount_point);
}

std::optional<DiscoveryImpl::Inhabitant> DiscoveryImpl::oldest_inhabitant(dev_t device) {
  std::optional<Inhabitant> oldest;
  for (const pid_t pid : kernel::list_pids()) {
    auto proc = kernel::open_proc(pid);
    struct stat root {};
    if (!proc || !kernel::stat_without_asking(proc->get(), "root", root) || root.st_dev != device) continue;
    const auto status = kernel::read_status(proc->get());
    if (!status) continue;  // gone meanwhile
    const auto started = Wall::now() - kernel::time_since_start(status->start_ticks);
    if (!oldest || started < oldest->started) oldest = {pid, std::move(*proc), started};
  }
  return oldest;
}

void DiscoveryImpl::introduce(const Shared& container, int root, Names names, const TableView& view) {
  if (!names.id.empty()) {
    if (!names.image.empty()) background_.name_image(container->baseline()->id(), names.image, names.digest);
    container->set_names(std::move(names));
  }
  give_policy(container);
  auto given = container->policy();
  // Known first, then marked: no event may come from a device that nobody knows.
  to_.registry.put(container);
  to_.unprotected.remove(container->device(), 0);
  mark_and_watch(container, root);
  // What changed meanwhile was given to registered containers only.
  for (give_policy(container); container->policy() != given; give_policy(container)) {
    given = container->policy();
    mark_again(container, root);
  }
  if (view.exposure.empty()) return to_.on_container(container, {});
  const auto oldest = oldest_inhabitant(container->device());
  const auto since = oldest ? oldest->started : Wall::now();
  if (to_.was_marked && to_.was_marked(container->device(), 0)) {
    to_.on_container(container, {});
  } else {
    // If nobody lives there yet, and a runtime passes the barrier first, it never was exposed.
    const std::lock_guard lock(mutex_);
    unconfirmed_[container.get()] = exposure_since(since, view.exposure);
  }
  if (oldest) meet(*container, oldest->proc.get(), oldest->pid, false);
}

void DiscoveryImpl::expose(const Shared& container, Container::Exposure exposure) {
  const std::string why = exposure.why;
  container->add_exposure(std::move(exposure));
  to_.on_container(container, why);
}

void DiscoveryImpl::confirm(dev_t device) {
  const auto container = to_.registry.find(device);
  const std::lock_guard lock(mutex_);
  if (container) unconfirmed_.erase(container.get());
}

void DiscoveryImpl::note_mark(const Shared& container, const Result<void>& marked) {
  const std::string why = "its root could not be marked";
  if (marked) {
    container->end_exposure(why);
  } else if (container->begin_exposure(why)) {
    to_.on_container(container, why);
  }
}

void DiscoveryImpl::mark_and_watch(const Shared& container, int root) {
  const auto marked = to_.marker.mark_root(root, *container);
  note_mark(container, marked);
  if (!marked) {
    problem_(fmt::format("the root at {} is not protected: {}", printable(container->root_mount_point()),
                         marked.error().message));
    return;  // unwatched: the next barrier tries again
  }
  if (const auto watched = watch_->add(root, container); !watched) {
    problem_(fmt::format("the end of the container at {} will not be noticed: {}",
                         printable(container->root_mount_point()), watched.error().message));
  }
}

}  // namespace holdfast::container
