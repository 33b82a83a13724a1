#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "holdfast/alert/queue.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/baseline/baseline.h"
#include "holdfast/gate/evidence.h"
#include "holdfast/gate/writers.h"

namespace holdfast::gate {

/// Completes drift alerts after their answer was given: adds who wrote the file, and the hashes that only the alert
/// wants, and keeps copies of what was denied, so that neither an execution nor another verdict ever waits for the
/// reading. One thread, a bounded queue; what does not fit, and what is too large while others wait, is reported
/// without its hash.
class Reporter {
 public:
  /// Without `evidence` no copies are kept, whatever a report asks for.
  Reporter(alert::Queue& alerts, Writers& writers, std::unique_ptr<Evidence> evidence = nullptr);
  /// Passes on what waits, without reading any more.
  ~Reporter();
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  struct Report {
    alert::Alert alert;                         ///< complete but for hashes
    UniqueFd file;                              ///< the executed file; empty if its hash is known and no copy is wanted
    std::optional<FileVersion> version, upper;  ///< of the executed file, and of the upper layer's, where there is one
    std::uint64_t evidence = 0;                 ///< keep a copy of up to this size, in bytes; 0: none
    std::optional<baseline::ImageFile> image_file;
    std::shared_ptr<baseline::Baseline> baseline;
  };
  void push(Report report);

 private:
  void run();
  void complete(Report& report, std::size_t waiting);
  void add_writer(Report& report) const;
  void keep_evidence(Report& report, bool crowded);
  void tell_missed(const std::string& why);

  alert::Queue& alerts_;
  Writers& writers_;
  const std::unique_ptr<Evidence> evidence_;  ///< the thread's own
  bool told_missed_ = false;                  ///< likewise; since the last copy that was kept
  Steady::time_point told_missed_at_{};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Report> waiting_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace holdfast::gate
