// A line with the names of buckets, each ended by a slash; then the database.

#include "../../src/container/bolt.h"

#include <cstring>

#include "target.h"

using namespace holdfast;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view database = fuzz::text_of(data, size);
  std::string_view line = fuzz::take_part(database, '\n');
  container::Bolt::Path path;
  while (line.find('/') != std::string_view::npos) path.emplace_back(fuzz::take_part(line, '/'));
  container::Bolt bolt([&](std::uint64_t offset, char* buffer, std::size_t count) {
    if (offset > database.size() || database.size() - offset < count) return false;
    std::memcpy(buffer, database.data() + offset, count);
    return true;
  });
  const auto found = bolt.find(path, line, "labels", 16);
  if (found) fuzz::require(found->values.size() <= 16);
  return 0;
}
