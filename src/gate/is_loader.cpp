#include "holdfast/gate/is_loader.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "holdfast/base/unique_fd.h"
#include "holdfast/kernel/elf.h"

namespace holdfast::gate {

bool is_loader(const baseline::Baseline& baseline, const Identity& identity, int proc_dir) {
  if (const auto known = baseline.role(identity)) return *known == kernel::ElfRole::loader;
  const UniqueFd exe(::openat(proc_dir, "exe", O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!exe) return false;
  const auto look = kernel::look_at_elf(exe.get());
  struct stat st {};
  if (!look || ::fstat(exe.get(), &st) != 0) return false;
  if (identity_of(st) == identity) baseline.remember_role(identity, look->role);
  return look->role == kernel::ElfRole::loader;
}

}  // namespace holdfast::gate
