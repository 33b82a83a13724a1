#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "holdfast/base/unique_fd.h"
#include "holdfast/container/container.h"
#include "holdfast/kernel/pid_namespace.h"

namespace holdfast::container {

/// Has the kernel refuse programs in memory (memfd_create(2)) to containers in prevent mode whose policy denies them:
/// vm.memfd_noexec of the PID namespace, for all who live in it or for none. Never the host's. Where it cannot be, the
/// container's exposure says why. When it is destroyed, every namespace gets back what it had. Any thread.
class MemorySeal {
 public:
  using Shared = std::shared_ptr<Container>;
  struct Tell {
    std::function<void(const Shared&, const std::string& why)> exposure;  ///< one that begins now
    std::function<void(const std::string&)> problem;                      ///< one sentence for the service's log
  };
  MemorySeal(ino_t host_pid_namespace, Tell tell);
  ~MemorySeal();
  MemorySeal(const MemorySeal&) = delete;
  MemorySeal& operator=(const MemorySeal&) = delete;

  /// A container's first process is known; `proc_dir` is an open /proc/PID of it. `waiting`: its pid if it waits at the
  /// gate and nothing of the container has run before it, else 0.
  void enter(const Shared& container, int proc_dir, pid_t waiting);
  /// The container's policy may have changed. Nothing if it has not entered.
  void renew(const Container& container);
  /// The container is gone.
  void leave(const Container& container);

 private:
  struct Member {
    std::weak_ptr<Container> container;
    std::string why;  ///< its exposure that goes on; empty: none
  };
  struct Space {
    ino_t inode = 0;
    UniqueFd handle;  ///< keeps the inode number from being given to another one
    std::map<const Container*, Member> members;
    std::optional<int> before;  ///< the value to put back; none: not sealed
    std::string failure;
  };

  void settle(Space& space, pid_t waiting, bool may_trace);
  void seal(Space& space, pid_t waiting, bool may_trace);
  void unseal(Space& space);
  void explain(Member& member, const std::string& why);
  void remove(const Container& container);
  [[nodiscard]] std::string reason(const Space& space, bool all) const;

  const ino_t host_;
  const bool supported_ = kernel::has_memfd_noexec();
  const Tell tell_;
  std::mutex mutex_;
  std::map<ino_t, Space> spaces_;  ///< the host's, too, which is never sealed
  std::unordered_map<const Container*, ino_t> homes_;
  kernel::PidNamespaces kernel_;
};

}  // namespace holdfast::container
