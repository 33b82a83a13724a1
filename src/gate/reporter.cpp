#include "holdfast/gate/reporter.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>

#include "holdfast/baseline/hash.h"

namespace holdfast::gate {
namespace {

constexpr std::size_t kMostWaiting = 512;  // each holds a descriptor
constexpr auto kHashTime = std::chrono::seconds(1);
/// While others wait, only files up to this size (bytes) are read: a storm of giants must not hold back its own alerts.
constexpr std::uint64_t kLargestInAStorm = std::uint64_t{16} << 20;
constexpr std::size_t kStorm = 4;
constexpr int kNice = 10;

}  // namespace

Reporter::Reporter(alert::Queue& alerts) : alerts_(alerts), thread_([this] { run(); }) {}

Reporter::~Reporter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Reporter::push(Report report) {
  {
    const std::lock_guard lock(mutex_);
    // Beyond the bound the alert goes without its hash, but in its turn.
    if (waiting_.size() >= kMostWaiting) report.file.reset();
    waiting_.push_back(std::move(report));
  }
  wake_.notify_one();
}

void Reporter::run() {
  // Behind those who wait for an answer, and those who just got one.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Report report = std::move(waiting_.front());
    waiting_.pop_front();
    const std::size_t waiting = waiting_.size();
    const bool stopping = stop_;
    lock.unlock();
    if (!stopping) complete(report, waiting);
    alerts_.push(std::move(report.alert));
    lock.lock();
  }
}

void Reporter::complete(Report& report, std::size_t waiting) const {
  const auto deadline = Steady::now() + kHashTime;
  const auto may_read = [waiting](std::uint64_t size) { return waiting < kStorm || size <= kLargestInAStorm; };
  auto& file = report.alert.file;
  if (report.file && file && file->sha256.empty() && may_read(file->size.value_or(0))) {
    const auto hash = baseline::hash_file(report.file.get(), file->size.value_or(0), deadline);
    if (hash) file->sha256 = to_hex(*hash);
  }
  if (report.image_file && report.alert.image_file && may_read(report.image_file->identity.size)) {
    const auto hash = report.baseline->hash(*report.image_file, deadline);
    if (hash) report.alert.image_file->sha256 = to_hex(*hash);
  }
}

}  // namespace holdfast::gate
