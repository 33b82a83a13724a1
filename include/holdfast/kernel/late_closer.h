#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "holdfast/base/unique_fd.h"

namespace holdfast::kernel {

/// Closes descriptors on threads of its own. Whoever closes the last one of a file that was removed frees its blocks,
/// and waits for the disk where ext4 is mounted with `discard`; whoever closes the last one of a file system that
/// nobody mounts any more ends its superblock, and an overlay's first writes back whatever is dirty on the file system
/// of its upper directory (ovl_sync_fs; 0.8 s for a gigabyte on a fast disk). Nobody may do that who owes others an
/// answer. Any thread; `close` never waits for slow work. One thread closes while another watches it, and goes on in
/// its place should it be held: all of them at once would take the processors from whoever made the descriptors so
/// many.
class LateCloser {
 public:
  LateCloser();
  /// Closes what it still has.
  ~LateCloser();
  LateCloser(const LateCloser&) = delete;
  LateCloser& operator=(const LateCloser&) = delete;

  /// At once, as a rule. If all threads are held and very many wait already (4096, or an eighth of what the process may
  /// have), whoever calls closes them himself: descriptors are not to run out.
  void close(UniqueFd file);
  void close(std::vector<UniqueFd> files);

 private:
  void run();
  void watch(std::unique_lock<std::mutex>& lock);
  void work(std::unique_lock<std::mutex>& lock);

  const std::size_t most_waiting_;
  std::mutex mutex_;  ///< what follows; never held over a close
  std::condition_variable come_;
  std::deque<UniqueFd> waiting_;
  std::size_t idle_ = 0, working_ = 0;  ///< threads
  std::uint64_t closed_ = 0;
  bool watched_ = false;  ///< by a thread that is neither
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

/// A descriptor that a closer closes, whoever lets go of it. Not thread-safe, like an int.
class LateFd {
 public:
  LateFd() noexcept = default;
  LateFd(LateCloser& closer, UniqueFd file) noexcept : closer_(&closer), file_(std::move(file)) {}
  LateFd(LateFd&&) noexcept = default;
  LateFd& operator=(LateFd&& other) noexcept {
    std::swap(closer_, other.closer_);
    std::swap(file_, other.file_);
    return *this;
  }
  ~LateFd() {
    if (file_) closer_->close(std::move(file_));
  }

  [[nodiscard]] int get() const noexcept { return file_.get(); }

 private:
  LateCloser* closer_ = nullptr;
  UniqueFd file_;
};

}  // namespace holdfast::kernel
