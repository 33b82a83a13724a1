#include "live_baseline.h"

#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"

#include "path_open.h"

namespace holdfast::baseline {
namespace {

bool walked(State state) { return state == State::hashing || state == State::complete; }
bool done(State state) { return state == State::complete || state == State::failed; }

StopCode until(Steady::time_point deadline) {
  return [deadline] { return Steady::now() >= deadline ? ETIMEDOUT : 0; };
}

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::walking:
      return "walking";
    case State::hashing:
      return "hashing";
    case State::complete:
      return "complete";
    case State::failed:
      return "failed";
  }
  return "unknown";
}

std::string LiveBaseline::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

std::size_t LiveBaseline::file_count() const {
  const IdentityTable* const now = table();
  return now == nullptr ? 0 : now->code_count();
}

bool LiveBaseline::is_image_code(const Identity& identity) const noexcept {
  const IdentityTable* const now = table();
  return now != nullptr && now->is_proven_code(identity);
}

std::optional<kernel::ElfRole> LiveBaseline::role(const Identity& identity) const noexcept {
  const IdentityTable* const now = table();
  return now == nullptr ? std::nullopt : now->role(identity);
}

void LiveBaseline::remember_role(const Identity& identity, kernel::ElfRole role) const noexcept {
  if (IdentityTable* const now = table()) now->remember_role(identity, role);
}

std::optional<std::string> LiveBaseline::path_of(const Identity& identity) const {
  const IdentityTable* const now = table();
  const auto file = now == nullptr ? IdentityTable::kNone : now->find(identity);
  if (file == IdentityTable::kNone) return std::nullopt;
  return now->image_file(file).path;
}

bool LiveBaseline::has_size(std::uint64_t size) const noexcept {
  const IdentityTable* const now = table();
  return now != nullptr && now->has_size(size);
}

bool LiveBaseline::wait_walked(Steady::time_point deadline) const {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline, [this] { return state() != State::walking; });
  return walked(state());
}

void LiveBaseline::wait_done() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return done(state()); });
}

Result<const ImageView*> LiveBaseline::view() const {
  const std::lock_guard lock(view_mutex_);
  if (record_.kind == Kind::snapshot) return Error{ENOENT, "a snapshot has no image view"};
  if (view_) return &*view_;
  if (view_error_) return *view_error_;
  auto made = ImageView::make(layers_);
  layers_ = {};  // the view holds its own clones; ours would pin the runtime's mounts
  if (!made) {
    view_error_ = made.error();
    return *view_error_;
  }
  view_ = std::move(*made);
  return &*view_;
}

Result<std::optional<ImageFile>> LiveBaseline::recorded_at(std::string_view path) const {
  const IdentityTable* const now = table();
  if (now == nullptr) return std::optional<ImageFile>();
  const std::uint32_t file = now->find_path(path);
  if (file == IdentityTable::kNone) return std::optional<ImageFile>();
  return std::optional(now->image_file(file));
}

Result<std::optional<ImageFile>> LiveBaseline::at_path(std::string_view path) const {
  if (record_.kind == Kind::snapshot) return recorded_at(path);
  auto image = view();
  if (!image) return image.error();
  auto file = (*image)->regular_file(path);
  if (!file || !file->has_value()) return file;
  const IdentityTable* const now = table();
  if (now == nullptr) return file;
  if (const std::uint32_t same = now->find((*file)->identity); same != IdentityTable::kNone) {
    (*file)->sha256 = now->hash(same);
    return file;
  }
  // A layer that was changed after its capture: what was captured counts, until somebody asks for a rebuild.
  auto recorded = recorded_at(path);
  return recorded && recorded->has_value() ? recorded : file;
}

Result<Sha256> LiveBaseline::hash(const ImageFile& file, Steady::time_point deadline) const {
  const IdentityTable* const now = table();
  const std::uint32_t known = now == nullptr ? IdentityTable::kNone : now->find(file.identity);
  if (known != IdentityTable::kNone) {
    if (const auto sha256 = now->hash(known)) return *sha256;
  }
  return read_now(file, deadline);
}

Result<Sha256> LiveBaseline::read_now(const ImageFile& file, Steady::time_point deadline) const {
  auto image = view();
  if (!image) return image.error();
  const LayerFacts& facts = (*image)->facts();
  IdentityTable* const now = table();
  const std::uint32_t known = now == nullptr ? IdentityTable::kNone : now->find(file.identity);
  if (facts.file_system != 0) {
    if (const auto cached = context_->store().cached(facts.file_system, file.identity)) {
      context_->counters.cache_hits.fetch_add(1, std::memory_order_relaxed);
      if (known != IdentityTable::kNone) now->set_hash(known, *cached, facts.trust_times);
      return *cached;
    }
  }
  auto hashed = hash_at((*image)->root(), file.path, file.identity, {facts.trust_times, false}, until(deadline));
  if (!hashed) return hashed.error();
  context_->count_hashed(facts.file_system, file.identity, *hashed);
  if (known != IdentityTable::kNone) now->set_hash(known, hashed->sha256, hashed->proven);
  return hashed->sha256;
}

Result<std::optional<ImageFile>> LiveBaseline::find_content(std::uint64_t size, const Sha256& sha256,
                                                            Steady::time_point deadline) const {
  if (!wait_walked(deadline)) {
    if (state() == State::failed) return Error{EIO, failure()};
    return errno_error(ETIMEDOUT, "waiting for the list of an image's files");
  }
  const IdentityTable* const now = table();
  const auto candidates = now->of_size(size);
  for (const std::uint32_t file : candidates) {
    if (now->hash(file) == sha256) return std::optional(now->image_file(file));
  }
  if (record_.kind == Kind::snapshot) return std::optional<ImageFile>();
  // Once more all of them: the capture goes on meanwhile, and one may have its hash by now that had none above.
  for (const std::uint32_t file : candidates) {
    const auto content = hash(now->image_file(file), deadline);
    if (!content && content.error().code == ETIMEDOUT) return content.error();
    if (content && *content == sha256) return std::optional(now->image_file(file));
  }
  return std::optional<ImageFile>();
}

Result<std::vector<ImageFile>> LiveBaseline::all_files(Steady::time_point deadline) const {
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, deadline, [this] { return done(state()); })) {
      return errno_error(ETIMEDOUT, "waiting for an image's baseline");
    }
    if (state() == State::failed) return Error{EIO, failure_};
  }
  const IdentityTable* const now = table();
  std::vector<ImageFile> files;
  files.reserve(now->code_count());
  for (std::uint32_t file = 0; file < now->size(); ++file) {
    if (now->code(file)) files.push_back(now->image_file(file));
  }
  return files;
}

void LiveBaseline::publish(std::unique_ptr<IdentityTable> table, State state) {
  const std::lock_guard lock(mutex_);
  table_.store(table.get(), std::memory_order_release);
  tables_.push_back(std::move(table));
  state_.store(state, std::memory_order_release);
  changed_.notify_all();
}

void LiveBaseline::set_state(State state) {
  const std::lock_guard lock(mutex_);
  state_.store(state, std::memory_order_release);
  changed_.notify_all();
}

void LiveBaseline::fail(const Error& error) {
  const std::lock_guard lock(mutex_);
  failure_ = error.message;
  state_.store(State::failed, std::memory_order_release);
  changed_.notify_all();
}

}  // namespace holdfast::baseline
