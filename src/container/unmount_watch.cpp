#include "unmount_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace holdfast::container {

Result<std::unique_ptr<UnmountWatch>> UnmountWatch::create() {
  UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd) return errno_error("inotify_init1");
  return std::unique_ptr<UnmountWatch>(new UnmountWatch(std::move(fd)));
}

Result<void> UnmountWatch::add(int root, const std::shared_ptr<Container>& container) {
  // The lock first: an event of this watch must not be taken before the table knows it.
  const std::lock_guard lock(mutex_);
  const int watch =
      ::inotify_add_watch(inotify_.get(), fmt::format("/proc/self/fd/{}", root).c_str(), IN_DELETE_SELF | IN_ONLYDIR);
  if (watch < 0) return errno_error("watch a container's root for its unmounting");
  auto& entry = by_watch_[watch];
  if (entry) watch_of_.erase(entry.get());
  entry = container;
  watch_of_[container.get()] = watch;
  return {};
}

bool UnmountWatch::watches(const Container& container) const {
  const std::lock_guard lock(mutex_);
  return watch_of_.contains(&container);
}

std::vector<std::shared_ptr<Container>> UnmountWatch::take_gone() {
  std::vector<std::shared_ptr<Container>> gone;
  alignas(inotify_event) std::array<char, 16384> buffer{};
  const std::lock_guard lock(mutex_);
  while (true) {
    const auto n = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return gone;
    for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(n);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) watch_of_.clear();
      if ((event.mask & (IN_UNMOUNT | IN_IGNORED | IN_DELETE_SELF)) == 0) continue;
      const auto found = by_watch_.find(event.wd);
      if (found == by_watch_.end()) continue;
      const auto container = std::move(found->second);
      by_watch_.erase(found);
      const auto latest = watch_of_.find(container.get());
      if (latest != watch_of_.end() && latest->second != event.wd) continue;  // it has another root by now
      if (latest != watch_of_.end()) watch_of_.erase(latest);
      gone.push_back(container);
    }
  }
}

}  // namespace holdfast::container
