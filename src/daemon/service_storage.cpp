#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "holdfast/daemon/log.h"
#include "holdfast/daemon/make_directory.h"
#include "holdfast/daemon/service.h"

// The database: where it is, what becomes of a service that cannot have it, and what goes from it by age.
namespace holdfast::daemon {
namespace {

/// Images with layers that no container has had for so long go by themselves; they are captured again if they come
/// back.
constexpr std::chrono::days kUnusedFor{90};
constexpr std::chrono::minutes kFirstPrune{10};
constexpr std::chrono::hours kPruneEvery{24};
/// A database that cannot be written says so every ten seconds, with the heartbeat.
constexpr std::chrono::seconds kProblemCounts{30};

/// No room, or no right to write. A database that is damaged, or another version's, is none of these.
bool is_about_room(const Error& error) {
  switch (error.code) {
    case ENOSPC:
    case EDQUOT:
    case EROFS:
    case EACCES:
    case EPERM:
    case EIO:
      return true;
    default:
      return false;
  }
}

}  // namespace

/// A state directory that is full or read-only keeps nobody unprotected: baselines are then captured into a database
/// beside the control socket, in memory, and the one that cannot be used stays as it is.
Result<void> Service::open_catalog() {
  baseline::Catalog::Options options;
  options.capture_threads = settings_.hash_threads;
  options.on_problem = [this](const std::string& what) { on_storage_problem(what); };
  const auto open_in = [&](const std::string& directory) -> Result<void> {
    if (auto made = make_directory(directory, std::filesystem::perms::owner_all); !made) return made;
    options.database = directory + "/baseline.db";
    auto opened = baseline::Catalog::open(options);
    if (!opened) return opened.error();
    catalog_ = std::move(*opened);
    return {};
  };
  auto done = open_in(settings_.state_directory);
  if (done || !is_about_room(done.error())) return done;
  const std::string why = done.error().message;
  if (auto instead = open_in(settings_.runtime_directory); !instead) return done;
  {
    const std::lock_guard lock(storage_);
    on_other_storage_ = fmt::format(
        "{}: baselines are kept in {} and captured anew; overrides and snapshots from before "
        "are not in force until the service is started with a state directory that it can "
        "write",
        why, options.database);
  }
  tell("storage", on_other_storage_);
  return {};
}

/// Without a place for them nothing is kept, and that is told; executions are judged all the same.
std::unique_ptr<gate::Evidence> Service::open_evidence() {
  auto evidence = gate::Evidence::open(settings_.state_directory + "/evidence", {});
  if (evidence) return std::move(*evidence);
  tell("evidence", "no copies of denied files are kept: " + evidence.error().message);
  return nullptr;
}

void Service::on_storage_problem(const std::string& what) {
  {
    const std::lock_guard lock(storage_);
    last_problem_ = what;
    last_problem_at_ = Steady::now();
  }
  tell("baseline", what);
}

std::string Service::storage_trouble() const {
  const std::lock_guard lock(storage_);
  if (!on_other_storage_.empty()) return on_other_storage_;
  const bool counts = !last_problem_.empty() && Steady::now() - last_problem_at_ < kProblemCounts;
  return counts ? last_problem_ : std::string();
}

void Service::prune_old() {
  const auto now = Steady::now();
  if (next_prune_ == Steady::time_point{}) next_prune_ = now + kFirstPrune;
  if (now < next_prune_) return;
  next_prune_ = now + kPruneEvery;
  if (pruning_.joinable()) pruning_.join();
  pruning_ = std::thread([this] {
    const auto before = std::chrono::floor<std::chrono::seconds>(Wall::now() - kUnusedFor).time_since_epoch().count();
    const auto gone = catalog_->prune_layered(before);
    if (!gone) return on_storage_problem(gone.error().message);
    if (const auto done = catalog_->prune_sealed(before); !done) return on_storage_problem(done.error().message);
    if (*gone > 0)
      log_line(fmt::format("{} images that no container has had for {} days were pruned", *gone, kUnusedFor.count()));
  });
}

}  // namespace holdfast::daemon
