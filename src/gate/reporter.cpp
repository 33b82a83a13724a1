#include "holdfast/gate/reporter.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include <fmt/format.h>

#include "holdfast/baseline/hash.h"

namespace holdfast::gate {
namespace {

constexpr std::size_t kMostWaiting = 512;  // each holds a descriptor
constexpr auto kCatchUp = std::chrono::milliseconds(50);
constexpr auto kHashTime = std::chrono::seconds(1);
/// While others wait, only files up to this size (bytes) are read: a storm of giants must not hold back its own alerts.
constexpr std::uint64_t kLargestInAStorm = std::uint64_t{16} << 20;
constexpr std::size_t kStorm = 4;
constexpr int kNice = 10;
constexpr auto kCopyTime = std::chrono::seconds(5);
constexpr auto kTellAgainAfter = std::chrono::minutes(1);

}  // namespace

Reporter::Reporter(alert::Queue& alerts, Writers& writers, std::unique_ptr<Evidence> evidence)
    : alerts_(alerts), writers_(writers), evidence_(std::move(evidence)), thread_([this] { run(); }) {}

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
    if (!stopping) {
      add_writer(report);
      complete(report, waiting);
    }
    alerts_.push(std::move(report.alert));
    lock.lock();
  }
}

/// What has happened to the file before it was executed may not have been taken in yet.
void Reporter::add_writer(Report& report) const {
  if (!report.version) return;
  (void)writers_.catch_up(Steady::now() + kCatchUp);
  auto trace = writers_.trace(*report.version, report.upper);
  if (trace.writer) report.alert.writer = std::move(trace.writer->info);
  if (trace.made_executable) report.alert.made_executable = std::move(trace.made_executable->info);
}

void Reporter::complete(Report& report, std::size_t waiting) {
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
  if (evidence_ && report.evidence > 0 && file) {
    keep_evidence(report, waiting >= kMostWaiting || !may_read(file->size.value_or(0)));
  }
}

/// What changed since its hash was taken is kept under the hash of what was copied: the bytes that were there.
void Reporter::keep_evidence(Report& report, bool crowded) {
  auto& file = *report.alert.file;
  if (const auto hash = parse_sha256(file.sha256)) file.evidence = evidence_->find(*hash);
  if (!file.evidence.empty() || file.size.value_or(0) > report.evidence) return;
  if (crowded) return tell_missed("too many were denied at once");
  if (!report.file) return;  // nobody may read it: a file system that somebody else serves
  auto kept = evidence_->keep(report.file.get(), report.evidence, Steady::now() + kCopyTime);
  if (!kept) {
    if (kept.error().code != EFBIG) tell_missed(kept.error().message);
    return;
  }
  if (file.sha256.empty()) file.sha256 = to_hex(kept->sha256);
  file.evidence = std::move(kept->path);
  told_missed_ = false;
}

/// Once, until a copy is kept again.
void Reporter::tell_missed(const std::string& why) {
  const auto now = Steady::now();
  if (told_missed_ || now - told_missed_at_ < kTellAgainAfter) return;
  told_missed_ = true;
  told_missed_at_ = now;
  alert::Alert alert;
  alert.time = Wall::now();
  alert.kind = alert::Kind::service;
  alert.reason = "evidence";
  alert.message = fmt::format("no copy was kept of a denied file: {}; this is told once until one is kept again", why);
  alerts_.push(std::move(alert));
}

}  // namespace holdfast::gate
