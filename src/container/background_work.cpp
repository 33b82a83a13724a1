#include "background_work.h"

#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"

namespace holdfast::container {
namespace {

// How long one unfinished baseline keeps the others waiting.
constexpr std::chrono::milliseconds kTurn{250};

/// Nothing if the file at that identity is allowed.
std::vector<Identity> prohibited_identities(const std::vector<baseline::ImageFile>& files,
                                            const policy::Policy& policy) {
  std::vector<Identity> out;
  for (const auto& file : files) {
    for (const auto& rule : policy.denies) {
      if (!rule.fits({.path = file.path, .sha256 = file.sha256})) continue;
      out.push_back(file.identity);
      break;
    }
  }
  return out;
}

}  // namespace

BackgroundWork::BackgroundWork(baseline::Catalog& catalog, std::function<void(const std::string&)> on_problem)
    : catalog_(catalog), on_problem_(std::move(on_problem)), thread_([this] { run(); }) {}

BackgroundWork::~BackgroundWork() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void BackgroundWork::fill_prohibited(const std::shared_ptr<Container>& container) {
  {
    const std::lock_guard lock(mutex_);
    to_fill_.push_back(container);
  }
  changed_.notify_all();
}

void BackgroundWork::name_image(std::string id, std::string reference, std::string digest) {
  {
    const std::lock_guard lock(mutex_);
    to_name_.push_back({std::move(id), std::move(reference), std::move(digest)});
  }
  changed_.notify_all();
}

void BackgroundWork::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ending_ || !to_fill_.empty() || !to_name_.empty(); });
    if (ending_) return;
    if (!to_name_.empty()) {
      const auto image = std::move(to_name_.front());
      to_name_.pop_front();
      lock.unlock();
      catalog_.name_image(image.id, image.reference, image.digest);
    } else {
      const auto container = to_fill_.front().lock();
      to_fill_.pop_front();
      lock.unlock();
      if (container) fill(container);
    }
    lock.lock();
  }
}

void BackgroundWork::fill(const std::shared_ptr<Container>& container) {
  const auto policy = container->policy();
  if (!policy || policy->denies.empty() || container->prohibitions_ready()) return;
  const auto files = container->baseline()->all_files(Steady::now() + kTurn);
  if (files) {
    container->set_prohibited(std::make_shared<const ProhibitedTable>(prohibited_identities(*files, *policy)),
                              policy.get());
    return;
  }
  if (files.error().code == ETIMEDOUT) {
    fill_prohibited(container);
    return;
  }
  on_problem_(
      fmt::format("the prohibitions of policy {} cannot be looked up in image {}, so its files take the slow path: {}",
                  printable(policy->name), container->baseline()->id(), files.error().message));
}

}  // namespace holdfast::container
