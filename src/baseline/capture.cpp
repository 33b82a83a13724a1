#include "capture.h"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "inventory.h"

namespace holdfast::baseline {
namespace {

constexpr std::size_t kBatchFiles = 16;
constexpr std::uint64_t kBatchBytes = std::uint64_t{1024} * 1024;
/// Files so big that one thread would be left alone with them if they came last.
constexpr std::uint64_t kBigFile = std::uint64_t{16} * 1024 * 1024;

}  // namespace

Capture::Capture(std::shared_ptr<LiveBaseline> baseline, std::shared_ptr<CaptureContext> context)
    : baseline_(std::move(baseline)), context_(std::move(context)) {
  context_->counters.running.fetch_add(1);
}

Capture::~Capture() { context_->counters.running.fetch_sub(1); }

bool Capture::prepare() {
  context_->report(context_->store().touch(baseline_->record()));
  if (load()) return false;
  if (auto walked = walk_view(); !walked) {
    // Ending is no failure: the next start goes on.
    if (!context_->stopping()) fail(walked.error());
    return false;
  }
  look_up_cache();
  if (!work_.empty()) return true;
  finish();
  return false;
}

bool Capture::load() {
  auto table = context_->store().load(baseline_->id());
  if (!table) context_->problem(table.error().message);
  if (!table || *table == nullptr) return false;
  baseline_->publish(std::move(*table), State::complete);
  // Made now, while the layers' mounts are certainly there; if it cannot be, only paths cannot be asked for.
  if (auto view = baseline_->view(); !view) context_->problem(view.error().message);
  return true;
}

Result<void> Capture::walk_view() {
  auto view = baseline_->view();
  if (!view) return view.error();
  view_ = *view;
  auto inventory = walk(view_->root(), {false, view_->facts().trust_times}, context_->until_stopped());
  if (!inventory) return inventory.error();
  if (inventory->too_deep > 0) {
    context_->problem(
        fmt::format("image {}: {} directories are too deep to be looked into; what they ship counts as drift",
                    baseline_->id(), inventory->too_deep));
  }
  baseline_->publish(std::move(inventory->table), State::hashing);
  return {};
}

void Capture::look_up_cache() {
  IdentityTable& table = *baseline_->table();
  const LayerFacts& facts = view_->facts();
  context_->flush_hashes();
  for (const std::uint32_t file : table.distinct_code()) {
    if (table.hash(file)) continue;
    if (facts.file_system != 0) {
      if (const auto cached = context_->store().cached(facts.file_system, table.identity(file))) {
        table.set_hash(file, *cached, facts.trust_times);
        context_->counters.cache_hits.fetch_add(1, std::memory_order_relaxed);
        continue;
      }
    }
    work_.push_back(file);
  }
  order_work();
}

/// Big files first, so that no thread is left alone with one at the end; the rest as they lie on the disk.
void Capture::order_work() {
  const IdentityTable& table = *baseline_->table();
  const auto rank = [&table](std::uint32_t file) {
    const Identity& identity = table.identity(file);
    const std::uint64_t big = identity.size >= kBigFile ? identity.size : 0;
    return std::pair(~big, identity.inode);
  };
  std::sort(work_.begin(), work_.end(), [&](std::uint32_t a, std::uint32_t b) { return rank(a) < rank(b); });
}

Capture::Batch Capture::claim() {
  const IdentityTable& table = *baseline_->table();
  const std::size_t first = next_;
  std::uint64_t bytes = 0;
  while (next_ < work_.size() && next_ - first < kBatchFiles && bytes < kBatchBytes) {
    bytes += table.identity(work_[next_++]).size;
  }
  return Batch(work_).subspan(first, next_ - first);
}

bool Capture::give_back(Batch batch) {
  given_back_ += batch.size();
  return given_back_ == work_.size();
}

void Capture::hash(Batch batch) {
  IdentityTable& table = *baseline_->table();
  const LayerFacts& facts = view_->facts();
  for (const std::uint32_t file : batch) {
    if (context_->stopping()) return;
    if (table.hash(file)) continue;  // the slow path was faster
    auto hashed = hash_at(view_->root(), table.path(file), table.identity(file), {facts.trust_times, true},
                          context_->until_stopped());
    if (hashed) {
      table.set_hash(file, hashed->sha256, hashed->proven);
      context_->count_hashed(facts.file_system, table.identity(file), *hashed);
    } else if (!context_->stopping()) {
      context_->problem(fmt::format("image {}: {}", baseline_->id(), hashed.error().message));
    }
  }
  context_->flush_hashes_if_due();
}

void Capture::finish() {
  context_->flush_hashes();
  if (context_->stopping()) return;
  auto saved = context_->store().save(baseline_->record(), *baseline_->table());
  (saved ? context_->counters.done : context_->counters.failed).fetch_add(1);
  context_->report(saved);
  baseline_->set_state(State::complete);
}

void Capture::fail(const Error& error) {
  context_->counters.failed.fetch_add(1);
  context_->problem(fmt::format("image {}: its baseline cannot be captured: {}", baseline_->id(), error.message));
  baseline_->fail(error);
}

}  // namespace holdfast::baseline
