#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "holdfast/baseline/catalog.h"
#include "holdfast/container/mounts.h"
#include "holdfast/container/registry.h"
#include "holdfast/container/unprotected.h"
#include "holdfast/policy/load.h"

namespace holdfast::container {

/// What discovery asks of the gate. Implemented by the gate; called from discovery's callers' threads.
class Marker {
 public:
  virtual ~Marker() = default;
  /// Marks the superblock of `root` (an open directory) for the container's mode; again and again, harmlessly: a new
  /// superblock may have the old one's device. Also switches a mark between the permission and the notification kind.
  virtual Result<void> mark_root(int root, const Container& container) = 0;
  /// Marks the mount that `fd` (O_PATH will do) lies on, in its own namespace only (kernel fact 2).
  virtual Result<void> mark_mount(int fd, const Container& container) = 0;
  /// Marks one directory inode of a root without a superblock of its own, with its children.
  virtual Result<void> mark_directory(int directory, const Container& container) = 0;
};

/// Finds containers: at the barrier, by the start-up scan and by mountinfo polling. Thread-safe.
class Discovery {
 public:
  struct Dependencies {
    Registry& registry;
    baseline::Catalog& catalog;
    Marker& marker;
    /// The policies in effect now.
    std::function<std::shared_ptr<const policy::PolicySet>()> policies;
    /// Tells the service of a container that came (exposure: why it was not seen by the barrier; empty if it was), and
    /// of one whose mediation is not complete from now on (exposure: why; it is among the container's and goes on).
    std::function<void(const std::shared_ptr<Container>&, const std::string& exposure)> on_container;
    /// One sentence for the service's own log: something that could not be understood or mediated.
    std::function<void(const std::string&)> on_problem;
    /// One sentence for an exposure alert: a container that runs and cannot be protected at all.
    std::function<void(const std::string&)> on_unprotected;
    UnprotectedList& unprotected;
    /// When a service ran here last, before this one; the epoch: never.
    Wall::time_point last_alive{};
    /// The override of a container's mode, or null.
    std::function<std::shared_ptr<const policy::Override>(const Container&)> override_of = {};
    /// Whether a root carries a mark of the service before this one, which held all the time: the superblock of a
    /// device (inode 0), or a directory. Empty: none does.
    std::function<bool(dev_t device, ino_t inode)> was_marked = {};
  };
  static std::unique_ptr<Discovery> create(Dependencies dependencies);
  virtual ~Discovery() = default;

  /// Runtime binaries (opened O_PATH or for reading) that the gate has marked: by device and inode, so that a process
  /// that is one already is known. Called whenever the set changes.
  virtual void set_runtimes(std::vector<std::pair<dev_t, ino_t>> runtimes) = 0;

  /// A process is about to execute a runtime. `proc_dir` is an open /proc/PID of that process. Marks every writable
  /// overlay of its mount namespace, starts captures, reads names; a root without layers that the runtime was asked to
  /// start is captured completely before this returns. Milliseconds at most otherwise.
  virtual void on_runtime_exec(int proc_dir, pid_t pid) = 0;

  /// An event came from a container that has no names yet, or whose first process is not known.
  virtual void on_first_exec(Container& container, int proc_dir, pid_t pid) = 0;

  /// Scans all mount namespaces for containers that run already.
  virtual void scan_all() = 0;
  /// Scans the host's mount namespace again: after a poll(POLLPRI) on its mountinfo.
  virtual void scan_host() = 0;
  /// Forgets containers whose superblock is gone (inotify IN_UNMOUNT on their roots). `unmount_fd` becomes readable
  /// when there is something to forget. After a call, no number (device) of one that ended before it means a container.
  [[nodiscard]] virtual int unmount_fd() const = 0;
  virtual void forget_unmounted() = 0;

  /// What containers have mounted beyond their roots.
  [[nodiscard]] virtual Mounts& mounts() = 0;

  /// Looks for containers that cannot be protected, and whether they still run. Reads /proc if there may be any.
  virtual void review_unprotected() = 0;

  /// Policies or overrides changed: gives every container its policy again, and its mark the right kind.
  virtual void apply_policies() = 0;
};

}  // namespace holdfast::container
