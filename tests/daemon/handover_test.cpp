#include "holdfast/daemon/handover.h"

#include <algorithm>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

namespace {

using namespace holdfast;

std::size_t room_for_descriptors() {
  std::ifstream status("/proc/self/status");
  std::string word;
  std::size_t room = 0;
  while (status >> word) {
    if (word == "FDSize:") status >> room;
  }
  return room;
}

TEST_CASE("the table of descriptors has its room before anybody would have to wait for it to grow") {
  const auto limit = daemon::raise_descriptor_limit();
  CHECK(limit >= 1024);
  CHECK(room_for_descriptors() >= std::min<std::size_t>(limit, 65'536));
}

}  // namespace
