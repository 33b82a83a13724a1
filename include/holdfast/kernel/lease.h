#pragma once

#include <signal.h>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::kernel {

/// A read lease on a regular file (fcntl(2) F_SETLEASE, F_RDLCK): proof that no writer, descriptor or mapping,
/// exists while it is held, provided it is taken on the upper layer's real file (kernel fact 20).
/// truncate(2) does not break it: compare stat before and after.
class ReadLease {
 public:
  /// EAGAIN: a writer exists. The descriptor must be open for reading; it becomes the lease's on success and stays the
  /// caller's on failure. Whoever asks to write from then on waits, and the signal is sent to this process.
  [[nodiscard]] static Result<ReadLease> take(UniqueFd& file, int signal = SIGURG);

  ReadLease(ReadLease&&) noexcept = default;
  ReadLease& operator=(ReadLease&&) noexcept = default;
  ~ReadLease();

  /// Ends the lease and returns its descriptor.
  [[nodiscard]] UniqueFd give_up();
  [[nodiscard]] int fd() const { return file_.get(); }
  /// False once somebody asked to write: what was read since must not be trusted.
  [[nodiscard]] bool held() const;

 private:
  explicit ReadLease(UniqueFd file) : file_(std::move(file)) {}
  UniqueFd file_;
};

}  // namespace holdfast::kernel
