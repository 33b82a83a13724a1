#include "upper_watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "holdfast/kernel/file.h"

namespace holdfast::gate {
namespace {

constexpr std::size_t kMostAtOnce = 32;

constexpr auto kBetweenTidying = std::chrono::seconds(2);

bool same_owner(const UpperWatch::Weak& a, const UpperWatch::Weak& b) {
  return !a.owner_before(b) && !b.owner_before(a);
}

UniqueFd open_child(int directory, const char* name) {
  return UniqueFd(::openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/// At the file that an event is about; false if it is gone. Most are data with one name, and their name is enough,
/// which takes one call instead of three. What has an x bit or a second name is asked for itself, whatever its name is
/// by now.
bool look(int directory, const kernel::NameEvents::Event& event, struct statx& st) {
  if (!event.renamed && kernel::NameEvents::find_by_name(directory, event, st) && st.stx_nlink == 1 &&
      (st.stx_mode & kernel::kAnyExecute) == 0) {
    return true;
  }
  const auto file = kernel::NameEvents::open_file(directory, event.file);
  return file && kernel::statx_without_asking(file->get(), "", STATX_BASIC_STATS | STATX_BTIME, st);
}

std::vector<UniqueFd> children_of(int directory, std::size_t most) {
  std::vector<UniqueFd> children;
  UniqueFd readable(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(readable ? ::fdopendir(readable.get()) : nullptr, ::closedir);
  if (!stream) return children;
  (void)readable.release();  // the stream's
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)) continue;
    if (auto child = open_child(directory, entry->d_name)) children.push_back(std::move(child));
    if (children.size() >= most) break;
  }
  return children;
}

}  // namespace

void UpperWatch::follow(const std::shared_ptr<container::Container>& container, UniqueFd directory) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() + count_.load() < most_) waiting_.push_back({container, {closer_, std::move(directory)}});
}

bool UpperWatch::step() {
  for (std::size_t i = 0; i < kMostAtOnce; ++i) {
    Directory next;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) return false;
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    watch(std::move(next));
  }
  return true;
}

bool UpperWatch::has_room(const Weak& container) {
  const std::size_t most_of_one = most_ / 4;
  if (watched_.size() < most_of_one) return true;
  const auto of_one = [&] {
    return static_cast<std::size_t>(std::count_if(watched_.begin(), watched_.end(), [&](const auto& one) {
      return same_owner(one.second.container, container);
    }));
  };
  if (watched_.size() < most_ && of_one() < most_of_one) return true;
  tidy();
  return watched_.size() < most_ && of_one() < most_of_one;
}

void UpperWatch::tidy() {
  const auto now = Steady::now();
  if (now - tidied_ < kBetweenTidying) return;
  tidied_ = now;
  std::erase_if(watched_, [](const auto& one) {
    struct stat st {};
    return ::fstat(one.second.fd.get(), &st) == 0 && st.st_nlink == 0;
  });
  count_ = watched_.size();
}

/// Watched first, then read: what is made in between is seen twice rather than not at all. Nothing for a container
/// whose sweep is over: what others still hold of it would keep its directories for ever.
void UpperWatch::watch(Directory directory) {
  const auto owner = directory.container.lock();
  if (is_gone(directory.container) || !has_room(directory.container)) return;
  auto handle = events_.watch(directory.fd.get());
  if (!handle) return;
  const auto known = watched_.find(*handle);
  if (known != watched_.end() && same_owner(known->second.container, directory.container)) return;
  for (auto& child : children_of(directory.fd.get(), most_ / 4)) follow(owner, std::move(child));
  watched_.insert_or_assign(std::move(*handle), std::move(directory));
  count_ = watched_.size();
}

void UpperWatch::take_directory(const Directory& parent, const std::string& name) {
  if (auto child = open_child(parent.fd.get(), name.c_str())) watch({parent.container, {closer_, std::move(child)}});
}

bool UpperWatch::read(bool& lost) {
  if (const auto got = events_.read(batch_); !got) return false;
  lost = batch_.lost;
  return lost || !batch_.events.empty();
}

void UpperWatch::tell(const std::function<void(const Change&)>& take) {
  for (const auto& event : batch_.events) {
    const auto* handle = event.directory();
    const auto directory = handle != nullptr ? watched_.find(*handle) : watched_.end();
    if (directory == watched_.end()) continue;
    if (event.about_directory) {
      const bool comes = event.entry && event.entry->name != "." && (event.created || event.renamed);
      if (comes) take_directory(directory->second, event.entry->name);
      continue;
    }
    struct statx st {};
    if (!look(directory->second.fd.get(), event, st) || !S_ISREG(st.stx_mode)) continue;
    Change change;
    change.pid = event.pid;
    change.file = version_from(st);
    change.executable = (st.stx_mode & kernel::kAnyExecute) != 0;
    change.created = event.created;
    change.attributes = event.attributes;
    // Without a place that it left it comes from the overlay's own work directory: a copy-up.
    change.renamed = event.renamed && event.from;
    change.linked = event.created && st.stx_nlink > 1;
    take(change);
  }
}

bool UpperWatch::is_gone(const Weak& weak) const {
  const auto container = weak.lock();
  return !container || container->mode() == policy::Mode::off || !registry_.holds(container);
}

void UpperWatch::sweep() {
  std::erase_if(watched_, [&](const auto& one) {
    if (!is_gone(one.second.container)) return false;
    events_.unwatch(one.second.fd.get());
    return true;
  });
  count_ = watched_.size();
}

}  // namespace holdfast::gate
