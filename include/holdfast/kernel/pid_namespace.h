#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "holdfast/base/result.h"

namespace holdfast::kernel {

/// Levels of vm.memfd_noexec (Documentation/admin-guide/sysctl/vm.rst): 0 nothing, 1 memfds are not executable unless
/// asked for, 2 never.
inline constexpr int kMemfdNeverExecutable = 2;

/// Whether this kernel has the sysctl (6.3 and newer).
[[nodiscard]] bool has_memfd_noexec();

/// Whether a process of this PID namespace, `except` aside, is or may become one that can trace any process it sees:
/// CAP_SYS_PTRACE in our own user namespace. Reads /proc: some milliseconds on a host with thousands of processes.
[[nodiscard]] bool has_tracer(ino_t pid_namespace, pid_t except);
/// Whether that very process could; `proc_dir` is an open /proc/PID.
[[nodiscard]] bool may_trace(int proc_dir);

/// Sets vm.memfd_noexec in other PID namespaces. The sysctl acts on the PID namespace of the process that writes it, so
/// somebody has to be in there: for some ten microseconds a child of a thread of its own is. That thread has its own
/// table of descriptors, without any of ours; the child has our memory, which nobody without CAP_SYS_PTRACE in our user
/// namespace can touch, as long as we are not dumpable (PR_SET_DUMPABLE). A process in there may stop or kill the
/// child: then the call fails. Any thread; calls take turns.
class PidNamespaces {
 public:
  PidNamespaces();
  ~PidNamespaces();
  PidNamespaces(const PidNamespaces&) = delete;
  PidNamespaces& operator=(const PidNamespaces&) = delete;

  /// Returns the value before. `pid_namespace` is an open /proc/PID/ns/pid of our own namespace's or of a descendant.
  /// Takes under a millisecond; a second if somebody in there interferes. Errors: EINVAL (a level lower than the parent
  /// namespace's), ENOMEM (the namespace's first process has ended), EINTR (the child was killed).
  [[nodiscard]] Result<int> set_memfd_noexec(int pid_namespace, int level);

 private:
  struct Order {
    int pid_namespace = -1;  ///< the caller's descriptor
    int level = 0;
  };
  void run();
  [[nodiscard]] Result<int> carry_out(const Order& order);
  [[nodiscard]] Result<int> run_child(int sysctl, int level);
  void kill_child();

  std::mutex turn_;  ///< one caller at a time
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Order> order_;
  std::optional<Result<int>> answer_;
  bool ending_ = false;
  std::mutex child_mutex_;  ///< held while the child is reaped: what is killed under it is the child
  pid_t child_ = 0;         ///< written by the kernel, before the child runs
  std::thread thread_;      ///< the last member: it uses the others
};

}  // namespace holdfast::kernel
