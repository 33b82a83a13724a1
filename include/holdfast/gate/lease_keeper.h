#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <thread>

#include "holdfast/base/clock.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/kernel/lease.h"

namespace holdfast::gate {

/// Keeps a lease from an allowing answer until the kernel has executed the file: between the two, deny_write_access does
/// not protect it yet, and a writer that got in then would run bytes nobody judged. Each lease goes when the process has
/// a new stack (the execution is done), when the process is gone, or after ten seconds.
class LeaseKeeper {
 public:
  LeaseKeeper();
  ~LeaseKeeper();
  LeaseKeeper(const LeaseKeeper&) = delete;
  LeaseKeeper& operator=(const LeaseKeeper&) = delete;

  /// A process as it was before its execution was answered.
  struct Watch {
    UniqueFd proc_dir;
    std::uint64_t stack_before = 0;
  };
  /// To be taken before the answer. `proc_dir` is the executing process's open /proc/PID.
  [[nodiscard]] static Watch watch(UniqueFd proc_dir);
  void keep(kernel::ReadLease lease, Watch watch);

 private:
  struct Kept {
    kernel::ReadLease lease;
    Watch watch;
    Steady::time_point until;
  };
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::list<Kept> kept_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace holdfast::gate
