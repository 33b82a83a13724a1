#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "holdfast/base/clock.h"
#include "holdfast/base/result.h"
#include "holdfast/base/sha256.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::gate {

/// Copies of files that were denied or killed, each once, named by the SHA-256 of what was copied, in a directory that
/// only root may enter. Copies from an open descriptor: no name that the container gave is ever followed. One thread.
///
/// When the directory is full, copies that are older than `keep_for` make room, the oldest first; younger ones never
/// do, so that nobody pushes out what was kept of him by being denied again and again. A new one is refused then.
class Evidence {
 public:
  struct Limits {
    std::uint64_t total = std::uint64_t{1} << 30;  ///< bytes of all copies together; each counts as 4 KiB at least
    std::chrono::hours keep_for = std::chrono::days(30);
  };
  /// Makes the directory if it is not there, with mode 0700, and counts what is in it.
  [[nodiscard]] static Result<std::unique_ptr<Evidence>> open(const std::string& directory, const Limits& limits);
  Evidence(const Evidence&) = delete;
  Evidence& operator=(const Evidence&) = delete;

  struct Copy {
    std::string path;  ///< absolute
    Sha256 sha256{};   ///< of the copy
  };
  /// Copies an open file of at most `limit` bytes, unless a copy of that content is there: EFBIG if it is larger,
  /// ENOSPC if there is no room, in the directory or on the disk, ETIMEDOUT at the deadline. Nothing is left of a copy
  /// that fails.
  [[nodiscard]] Result<Copy> keep(int file, std::uint64_t limit, Steady::time_point deadline);
  /// Whether a copy of this content is there; its path.
  [[nodiscard]] std::string find(const Sha256& sha256) const;

 private:
  Evidence(UniqueFd directory, std::string path, const Limits& limits)
      : directory_(std::move(directory)), path_(std::move(path)), limits_(limits) {}
  [[nodiscard]] Result<void> make_room(std::uint64_t size);
  void count();
  [[nodiscard]] Result<Sha256> copy_to(int file, int copy, std::uint64_t limit, Steady::time_point deadline,
                                       std::uint64_t& size) const;
  [[nodiscard]] std::string path_of(const std::string& name) const { return path_ + '/' + name; }

  const UniqueFd directory_;
  const std::string path_;
  const Limits limits_;
  std::uint64_t used_ = 0;
  Steady::time_point counted_{};
};

}  // namespace holdfast::gate
