#include "holdfast/kernel/mountinfo.h"

#include "target.h"

using namespace holdfast;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const auto table = kernel::parse_mountinfo(text);
  std::string_view rest = text;
  bool all_good = true;
  while (!rest.empty()) {
    const auto mount = kernel::parse_mount(fuzz::take_part(rest, '\n'));
    all_good = all_good && mount.ok();
    // Escapes only shrink. (The kernel writes no NUL, as a byte or as an escape; what would become of one is open.)
    if (mount) fuzz::require(mount->mount_point.size() + mount->root.size() <= size);
  }
  if (table) fuzz::require(all_good);  // a table must not hide a line that it did not understand
  return 0;
}
