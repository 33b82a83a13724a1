#pragma once

#include <sys/types.h>

#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "holdfast/base/clock.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/gate/lease_bell.h"
#include "holdfast/kernel/late_closer.h"
#include "holdfast/kernel/lease.h"

namespace holdfast::gate {

/// Keeps leases from an allowing answer until the kernel has executed the file. Between the two, the kernel opens the
/// file's layer and takes write access away (deny_write_access); a writer that got in there would run bytes nobody
/// judged. That holds for image code too: the first open for writing copies a lower file up, and the kernel opens the
/// layer's file only after our answer (seen on 6.18). A writer that comes while a lease is kept waits in its open(2);
/// the kernel tells us by SIGURG, and the lease goes as soon as the process runs the file, or is gone.
class LeaseKeeper {
 public:
  /// `signals`: see LeaseBell; SIGURG. The closer must outlive this.
  LeaseKeeper(kernel::LateCloser& closer, bool signals);
  ~LeaseKeeper();
  LeaseKeeper(const LeaseKeeper&) = delete;
  LeaseKeeper& operator=(const LeaseKeeper&) = delete;

  /// One allowed execution. Called before the answer; never waits for slow work. Any thread.
  struct Execution {
    std::optional<kernel::ReadLease> overlay;  ///< on the event's file: nobody opens or truncates it by its name
    std::optional<kernel::ReadLease> upper;    ///< on the upper layer's real file, where content was judged
    UniqueFd pidfd;
    pid_t pid = 0;
    dev_t device = 0;  ///< of the file, as the process sees it
    ino_t inode = 0;
    Steady::time_point since;
  };
  void keep(Execution execution);

 private:
  void run();
  void release_done();
  void release(std::vector<Execution>::iterator begin, std::vector<Execution>::iterator end);
  [[nodiscard]] static bool may_go(const Execution& execution, Steady::time_point now);

  kernel::LateCloser& closer_;
  std::mutex mutex_;
  std::vector<Execution> arrived_;  ///< guarded by mutex_
  std::vector<Execution> kept_;     ///< the thread's own
  const LeaseBell bell_;
  bool stop_ = false, idle_ = true;  ///< guarded by mutex_
  std::thread thread_;
};

}  // namespace holdfast::gate
