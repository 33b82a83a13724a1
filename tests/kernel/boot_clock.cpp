#include "holdfast/kernel/boot_clock.h"

#include <doctest/doctest.h>

using namespace holdfast;

TEST_CASE("the boot has an id, and its clock goes forward") {
  const auto before = kernel::read_boot_clock();
  const auto after = kernel::read_boot_clock();
  CHECK(before.boot.size() == 36);  // a UUID, without a newline
  CHECK(before.boot == after.boot);
  CHECK(before.since > std::chrono::seconds{0});
  CHECK(after.since >= before.since);
}
