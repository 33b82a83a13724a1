#include "leased_hash.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include <fmt/format.h>

#include "holdfast/baseline/hash.h"

namespace holdfast::gate {

Result<UniqueFd> reopen(int file) {
  UniqueFd copy(::open(fmt::format("/proc/self/fd/{}", file).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!copy) return errno_error("open the file again");
  return copy;
}

Result<Sha256> hash_unwritten(int file, const Identity& before, const kernel::ReadLease& lease,
                              Steady::time_point deadline) {
  auto hash = baseline::hash_file(file, before.size, deadline);
  if (!hash) return hash;
  struct stat after {};
  if (::fstat(file, &after) != 0 || identity_of(after) != before || !lease.held()) {
    return Error{ESTALE, "the file changed while it was read"};
  }
  return hash;
}

}  // namespace holdfast::gate
