#include "holdfast/base/clock.h"

#include <thread>

#include <doctest/doctest.h>

#include "holdfast/base/identity.h"
#include "holdfast/base/result.h"
#include "holdfast/base/sha256.h"

using namespace holdfast;

TEST_CASE("times are written as RFC 3339 in UTC with microseconds") {
  CHECK(rfc3339(Wall::time_point()) == "1970-01-01T00:00:00.000000Z");
  CHECK(rfc3339(Wall::time_point(std::chrono::microseconds(1795378453000123))) == "2026-11-22T20:14:13.000123Z");
  CHECK(rfc3339(Wall::time_point(std::chrono::microseconds(-1))) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("a SHA-256 is read in either case and written in lower case") {
  const std::string hex = "E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  const auto digest = parse_sha256(hex);
  REQUIRE(digest);
  CHECK(to_hex(*digest) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK_FALSE(parse_sha256(hex.substr(1)));
  CHECK_FALSE(parse_sha256(hex + "0"));
  CHECK_FALSE(parse_sha256("g" + hex.substr(1)));
  CHECK_FALSE(parse_sha256(""));
}

TEST_CASE("an identity differs when any of its parts does") {
  const Identity id{1, 2, 3, 4};
  CHECK(id == Identity{1, 2, 3, 4});
  CHECK(id != Identity{9, 2, 3, 4});
  CHECK(id != Identity{1, 9, 3, 4});
  CHECK(id != Identity{1, 2, 9, 4});
  CHECK(id != Identity{1, 2, 3, 9});
  CHECK(file_time(timespec{-1, 999'999'999}) == -1);
}

TEST_CASE("an error names its object and the kernel's word for it") {
  CHECK(errno_error(2, "/x").message == "/x: No such file or directory");
  CHECK(errno_error(2, "/x").code == 2);
}

TEST_CASE("a moment beyond what nanoseconds can hold is written as it is") {
  using namespace std::chrono;
  CHECK(rfc3339(sys_seconds(sys_days(year{2999} / 12 / 31))) == "2999-12-31T00:00:00Z");
  CHECK(rfc3339(sys_seconds(seconds(0))) == "1970-01-01T00:00:00Z");
}

TEST_CASE("a thread's time does not go on while it waits") {
  const auto begin = thread_time();
  const auto began = Steady::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(thread_time() - begin < std::chrono::milliseconds(50));
  while (thread_time() - begin < std::chrono::milliseconds(60)) {
  }
  CHECK(Steady::now() - began >= std::chrono::milliseconds(150));
}
