#include "local_catalog.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "hash_all.h"
#include "image_record.h"
#include "inventory.h"
#include "resolve.h"

namespace holdfast::baseline {
namespace {

std::string rfc3339_seconds(std::int64_t seconds) {
  return seconds == 0 ? std::string() : rfc3339(Wall::time_point(std::chrono::seconds(seconds)));
}

ImageSummary summary_of(const StoredImage& image, const LiveBaseline* live) {
  ImageSummary summary;
  summary.id = image.record.key;
  summary.kind = image.record.kind == Kind::snapshot ? "snapshot" : "layers";
  summary.state = live != nullptr ? std::string(to_string(live->state())) : image.complete ? "complete" : "incomplete";
  summary.names = image.references;
  summary.digests = image.digests;
  summary.files = live != nullptr && !image.complete ? live->file_count() : image.files;
  summary.bytes = image.bytes;
  summary.captured = rfc3339_seconds(image.captured);
  summary.last_used = rfc3339_seconds(image.last_used);
  summary.in_use = live != nullptr;
  return summary;
}

}  // namespace

Result<std::unique_ptr<Catalog>> Catalog::open(const Options& options) {
  static_cast<void>(hash_bytes({}));  // libcrypto sets itself up at its first use: not at the barrier's first image
  auto store = Store::open(options.database);
  if (!store) return store.error();
  auto context = std::make_shared<CaptureContext>(std::move(*store), options.on_problem);
  return std::unique_ptr<Catalog>(std::make_unique<LocalCatalog>(std::move(context), options.capture_threads));
}

LocalCatalog::LocalCatalog(std::shared_ptr<CaptureContext> context, unsigned threads)
    : context_(std::move(context)), threads_(threads) {
  pool_.emplace(threads, context_);
}

LocalCatalog::~LocalCatalog() {
  pool_.reset();
  flush_names();
  flush_alive();
  context_->flush_hashes();
}

std::shared_ptr<LiveBaseline> LocalCatalog::find_live(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(id);
  return found == live_.end() ? nullptr : found->second.lock();
}

std::vector<std::shared_ptr<LiveBaseline>> LocalCatalog::all_live() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<LiveBaseline>> all;
  for (auto at = live_.begin(); at != live_.end();) {
    if (auto baseline = at->second.lock()) {
      all.push_back(std::move(baseline));
      ++at;
    } else {
      at = live_.erase(at);
    }
  }
  return all;
}

LocalCatalog::Opened LocalCatalog::find_or_add(ImageRecord record, Layers layers) {
  const std::lock_guard lock(mutex_);
  std::weak_ptr<LiveBaseline>& place = live_[record.key];
  auto live = place.lock();
  // One that failed is tried again: what was in its way may be gone.
  if (live != nullptr && live->state() != State::failed) return {std::move(live), false};
  live = std::make_shared<LiveBaseline>(std::move(record), std::move(layers), context_);
  place = live;
  return {std::move(live), true};
}

Result<std::shared_ptr<Baseline>> LocalCatalog::open_image(Layers layers) {
  auto key = image_key(layers);
  if (!key) return key.error();
  ImageRecord record = record_of(std::move(*key), layers);
  Opened opened = find_or_add(std::move(record), std::move(layers));
  if (opened.is_new) {
    pool_->submit(std::make_shared<Capture>(opened.baseline, context_));
  } else {
    pool_->post([baseline = opened.baseline, context = context_] {
      context->report(context->store().touch(baseline->record()));
    });
  }
  return std::shared_ptr<Baseline>(std::move(opened.baseline));
}

Result<std::shared_ptr<Baseline>> LocalCatalog::open_snapshot(int root) {
  auto record = snapshot_record_of(root);
  if (!record) return record.error();
  Opened opened = find_or_add(std::move(*record), {});
  LiveBaseline& baseline = *opened.baseline;
  context_->report(context_->store().touch(baseline.record()));
  if (!opened.is_new) {
    baseline.wait_done();
  } else if (auto taken = take_snapshot(baseline, root); !taken) {
    context_->counters.failed.fetch_add(1);
    baseline.fail(taken.error());
  }
  if (baseline.state() == State::failed) return Error{EIO, baseline.failure()};
  return std::shared_ptr<Baseline>(std::move(opened.baseline));
}

Result<std::shared_ptr<Baseline>> LocalCatalog::find_snapshot(int root) {
  const auto record = snapshot_record_of(root);
  if (!record) return record.error();
  const auto stored = context_->store().load(record->key);
  if (!stored) return stored.error();
  return *stored ? open_snapshot(root) : Result<std::shared_ptr<Baseline>>(std::shared_ptr<Baseline>());
}

Result<void> LocalCatalog::take_snapshot(LiveBaseline& baseline, int root) {
  auto stored = context_->store().load(baseline.id());
  context_->report(stored ? Result<void>() : stored.error());
  if (stored && *stored != nullptr) {
    baseline.publish(std::move(*stored), State::complete);
    return {};
  }
  auto facts = directory_facts(root);
  if (!facts) return facts.error();
  auto inventory = walk(root, {true, facts->trust_times}, context_->until_stopped());
  if (!inventory) return inventory.error();
  // Never cached: the files can be written, and a shared mapping leaves no trace in their times (kernel fact 19).
  const HashAllRules rules{{facts->trust_times, true}, threads_, 0};
  if (auto hashed = hash_all(root, *inventory->table, rules, *context_, nullptr); !hashed) return hashed;
  auto saved = context_->store().save(baseline.record(), *inventory->table);
  (saved ? context_->counters.done : context_->counters.failed).fetch_add(1);
  context_->report(saved);
  baseline.publish(std::move(inventory->table), State::complete);
  return {};
}

void LocalCatalog::name_image(const std::string& id, const std::string& reference, const std::string& digest) {
  {
    const std::lock_guard lock(mutex_);
    names_.push_back({id, reference, digest});
  }
  pool_->post([this] { flush_names(); });
}

void LocalCatalog::flush_names() const {
  // Whoever comes second waits until the first has written: it wants to read them.
  const std::lock_guard flushing(flush_mutex_);
  std::vector<Name> names;
  {
    const std::lock_guard lock(mutex_);
    names.swap(names_);
  }
  for (const Name& name : names) {
    // The capture that makes the image known to the database may come later than its name.
    if (const auto live = find_live(name.id)) context_->report(context_->store().touch(live->record()));
    context_->report(context_->store().add_name(name.id, name.reference, name.digest));
  }
}

Result<std::vector<StoredImage>> LocalCatalog::known_images() const {
  flush_names();
  auto images = context_->store().images();
  if (!images) return images;
  for (const auto& live : all_live()) {
    const bool stored = std::any_of(images->begin(), images->end(),
                                    [&](const StoredImage& image) { return image.record.key == live->id(); });
    if (!stored) images->emplace_back().record = live->record();
  }
  return images;
}

Result<std::vector<ImageSummary>> LocalCatalog::list() const {
  auto images = known_images();
  if (!images) return images.error();
  std::vector<ImageSummary> summaries;
  for (const StoredImage& image : *images) summaries.push_back(summary_of(image, find_live(image.record.key).get()));
  return summaries;
}

Result<std::string> LocalCatalog::resolve(std::string_view image) const {
  auto images = known_images();
  if (!images) return images.error();
  return resolve_image(*images, image);
}

Result<std::vector<ImageFile>> LocalCatalog::files(const std::string& id) const {
  if (const auto live = find_live(id); live != nullptr && live->state() == State::complete) {
    return live->all_files(Steady::now());
  }
  auto table = context_->store().load(id);
  if (!table) return table.error();
  if (*table == nullptr) return Error{ENOENT, fmt::format("image {} has no complete baseline", id)};
  std::vector<ImageFile> files;
  for (std::uint32_t file = 0; file < (*table)->size(); ++file) {
    if ((*table)->code(file)) files.push_back((*table)->image_file(file));
  }
  return files;
}

Result<std::vector<std::string>> LocalCatalog::images_with_program(std::uint64_t size, const Sha256& sha256,
                                                                   Steady::time_point deadline) const {
  std::vector<std::string> keys;
  for (const auto& live : all_live()) {
    if (live->kind() != Kind::layers || live->table() == nullptr) continue;
    const auto found = live->find_content(size, sha256, deadline);
    if (!found && found.error().code == ETIMEDOUT) return found.error();
    if (found && *found) keys.push_back(live->id());
  }
  return context_->store().names_with_program(size, sha256, std::move(keys));
}

Result<std::uint64_t> LocalCatalog::prune(std::int64_t before) {
  flush_names();
  return context_->store().prune(before, [this](const std::string& id) { return find_live(id) != nullptr; });
}

Result<std::uint64_t> LocalCatalog::prune_layered(std::int64_t before) {
  auto images = known_images();
  if (!images) return images.error();
  std::set<std::string> snapshots;
  for (const auto& image : *images) {
    if (image.record.kind == Kind::snapshot) snapshots.insert(image.record.key);
  }
  return context_->store().prune(
      before, [&](const std::string& id) { return snapshots.contains(id) || find_live(id) != nullptr; });
}

void LocalCatalog::note_alive(Wall::time_point now) {
  alive_.store(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  pool_->post([this] { flush_alive(); });
}

void LocalCatalog::flush_alive() const {
  if (const auto seconds = alive_.exchange(0); seconds != 0) context_->report(context_->store().set_alive(seconds));
}

Result<std::optional<Wall::time_point>> LocalCatalog::last_alive() const {
  const auto seconds = context_->store().alive();
  if (!seconds) return seconds.error();
  if (*seconds == 0) return std::optional<Wall::time_point>();
  return std::optional(Wall::time_point(std::chrono::seconds(*seconds)));
}

Result<std::vector<policy::Override>> LocalCatalog::overrides() const { return context_->store().overrides(); }

Result<void> LocalCatalog::save_override(const policy::Override& one) { return context_->store().save_override(one); }

Result<void> LocalCatalog::remove_override(const policy::Override::Target& target) {
  return context_->store().remove_override(target);
}

Result<std::vector<policy::Sealed>> LocalCatalog::sealed(std::size_t most) const {
  return context_->store().sealed(most);
}

Result<void> LocalCatalog::save_sealed(const policy::Sealed& one) { return context_->store().save_sealed(one); }

Result<void> LocalCatalog::prune_sealed(std::int64_t before) { return context_->store().prune_sealed(before); }

CatalogCounters LocalCatalog::counters() const {
  const CaptureCounters& from = context_->counters;
  CatalogCounters counters;
  counters.images_live = all_live().size();
  if (auto stored = context_->store().count_images()) counters.images_stored = *stored;
  counters.captures_running = from.running.load();
  counters.captures_done = from.done.load();
  counters.captures_failed = from.failed.load();
  counters.files_hashed = from.files_hashed.load();
  counters.bytes_hashed = from.bytes_hashed.load();
  counters.cache_hits = from.cache_hits.load();
  return counters;
}

}  // namespace holdfast::baseline
