#include "holdfast/kernel/lease.h"

#include <fcntl.h>

#include <cerrno>

namespace holdfast::kernel {

Result<ReadLease> ReadLease::take(UniqueFd& file, int signal) {
  // The kernel tells of a break by a signal, SIGIO unless told otherwise: its default action would end the process, so
  // ask for one that is ignored by default. `held` asks the kernel instead of counting signals.
  if (::fcntl(file.get(), F_SETSIG, signal) < 0) return errno_error("choose a lease's signal");
  if (::fcntl(file.get(), F_SETLEASE, F_RDLCK) < 0) return errno_error("take a read lease");
  return ReadLease(std::move(file));
}

ReadLease::~ReadLease() { (void)give_up(); }

UniqueFd ReadLease::give_up() {
  if (file_) (void)::fcntl(file_.get(), F_SETLEASE, F_UNLCK);
  return std::move(file_);
}

bool ReadLease::held() const { return file_ && ::fcntl(file_.get(), F_GETLEASE) == F_RDLCK; }

}  // namespace holdfast::kernel
