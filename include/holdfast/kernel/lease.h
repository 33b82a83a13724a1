#pragma once

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::kernel {

/// A read lease on a regular file (fcntl(2) F_SETLEASE, F_RDLCK): proof that no writer, descriptor or mapping,
/// exists while it is held, provided it is taken on the upper layer's real file (kernel fact 20).
/// truncate(2) does not break it: compare stat before and after.
class ReadLease {
 public:
  /// EAGAIN: a writer exists. The descriptor must be open for reading, and stays the lease's until it is released.
  [[nodiscard]] static Result<ReadLease> take(UniqueFd file);

  ReadLease(ReadLease&&) noexcept = default;
  ReadLease& operator=(ReadLease&&) noexcept = default;
  ~ReadLease();

  [[nodiscard]] int fd() const { return file_.get(); }
  /// False once somebody asked to write: what was read since must not be trusted.
  [[nodiscard]] bool held() const;

 private:
  explicit ReadLease(UniqueFd file) : file_(std::move(file)) {}
  UniqueFd file_;
};

}  // namespace holdfast::kernel
