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

namespace holdfast::gate {

/// Completes drift alerts after their answer was given: adds the hashes that only the alert wants, so that neither an
/// execution nor another verdict ever waits for the reading. One thread, a bounded queue; what does not fit, and what
/// is too large while others wait, is reported without its hash.
class Reporter {
 public:
  explicit Reporter(alert::Queue& alerts);
  /// Passes on what waits, without reading any more.
  ~Reporter();
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  struct Report {
    alert::Alert alert;  ///< complete but for hashes
    UniqueFd file;       ///< the executed file; empty if its hash is known
    std::optional<baseline::ImageFile> image_file;
    std::shared_ptr<baseline::Baseline> baseline;
  };
  void push(Report report);

 private:
  void run();
  void complete(Report& report, std::size_t waiting) const;

  alert::Queue& alerts_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Report> waiting_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace holdfast::gate
