#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "holdfast/baseline/catalog.h"
#include "holdfast/container/container.h"

namespace holdfast::container {

/// What discovery must not do while a runtime waits: containers' tables of prohibited identities, which need a complete
/// baseline, and names of images for the database. Owns one thread.
class BackgroundWork {
 public:
  BackgroundWork(baseline::Catalog& catalog, std::function<void(const std::string&)> on_problem);
  ~BackgroundWork();
  BackgroundWork(const BackgroundWork&) = delete;
  BackgroundWork& operator=(const BackgroundWork&) = delete;

  /// Fills the container's table for its present policy, as soon as the baseline is complete.
  void fill_prohibited(const std::shared_ptr<Container>& container);
  void name_image(std::string id, std::string reference, std::string digest);

 private:
  struct ImageName {
    std::string id, reference, digest;
  };
  void run();
  void fill(const std::shared_ptr<Container>& container);

  baseline::Catalog& catalog_;
  const std::function<void(const std::string&)> on_problem_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::weak_ptr<Container>> to_fill_;
  std::deque<ImageName> to_name_;
  bool ending_ = false;
  std::thread thread_;  ///< the last member: it uses the others
};

}  // namespace holdfast::container
