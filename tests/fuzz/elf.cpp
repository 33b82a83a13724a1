#include "holdfast/kernel/elf.h"

#include <sys/mman.h>
#include <unistd.h>

#include "holdfast/base/unique_fd.h"

#include "target.h"

using namespace holdfast;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const UniqueFd file(::memfd_create("fuzz-elf", MFD_CLOEXEC));
  fuzz::require(::ftruncate(file.get(), 0) == 0);
  fuzz::require(::pwrite(file.get(), data, size, 0) == static_cast<ssize_t>(size));
  const auto look = kernel::look_at_elf(file.get());
  fuzz::require(look.ok());  // only a file that cannot be read is an error
  if (look->role != kernel::ElfRole::other || look->shared_object) fuzz::require(kernel::begins_as_elf(file.get()));
  if (look->role == kernel::ElfRole::loader) fuzz::require(look->shared_object);
  return 0;
}
