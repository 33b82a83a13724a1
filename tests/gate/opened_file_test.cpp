#include "holdfast/gate/opened_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include <doctest/doctest.h>

#include "holdfast/base/unique_fd.h"

using namespace holdfast;

TEST_CASE("what a process does with a file is seen: writing it, mapping it, or neither") {
  std::string name = "/tmp/holdfast-opened.XXXXXX";
  UniqueFd writer(::mkstemp(name.data()));
  REQUIRE(writer.valid());
  ::unlink(name.c_str());
  REQUIRE(::ftruncate(writer.get(), 4096) == 0);
  struct stat st {};
  REQUIRE(::fstat(writer.get(), &st) == 0);
  const UniqueFd proc(::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC));
  CHECK(gate::has_open_for_writing(proc.get(), st.st_dev, st.st_ino));
  CHECK_FALSE(gate::has_open_for_writing(proc.get(), st.st_dev, st.st_ino + 1));
  CHECK_FALSE(gate::has_mapped(proc.get(), st.st_ino));

  const std::string again = "/proc/self/fd/" + std::to_string(writer.get());
  const UniqueFd reader(::open(again.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(reader.valid());
  writer.reset();
  CHECK_FALSE(gate::has_open_for_writing(proc.get(), st.st_dev, st.st_ino));
  void* const mapping = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, reader.get(), 0);
  REQUIRE(mapping != MAP_FAILED);
  CHECK(gate::has_mapped(proc.get(), st.st_ino));
  ::munmap(mapping, 4096);
  CHECK_FALSE(gate::has_mapped(proc.get(), st.st_ino));
}
