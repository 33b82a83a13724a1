#include "holdfast/gate/evidence.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>

#include "holdfast/baseline/hash.h"
#include "holdfast/gate/reporter.h"

#include "overlay_fixture.h"

using namespace holdfast;
using gate::Evidence;
using test::content_of;

namespace {

constexpr std::uint64_t kPlenty = std::uint64_t{1} << 20;

struct Place {
  Place() {
    std::string name = "/tmp/holdfast-evidence.XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~Place() { std::filesystem::remove_all(path); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  [[nodiscard]] UniqueFd file(const std::string& name, const std::string& content) const {
    std::ofstream(path + "/" + name, std::ios::trunc | std::ios::binary) << content;
    return UniqueFd(::open((path + "/" + name).c_str(), O_RDONLY | O_CLOEXEC));
  }
  [[nodiscard]] std::string directory() const { return path + "/evidence"; }
  [[nodiscard]] std::unique_ptr<Evidence> open(const Evidence::Limits& limits = {}) const {
    auto evidence = Evidence::open(directory(), limits);
    REQUIRE(evidence.ok());
    return std::move(*evidence);
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory()), {}));
  }
  std::string path;
};

Steady::time_point soon() { return Steady::now() + std::chrono::seconds(10); }

}  // namespace

TEST_CASE("a copy has the bytes that were denied, their hash for a name, and is for root alone") {
  const Place place;
  const auto evidence = place.open();
  const auto file = place.file("evil", "#!/bin/sh\nevil\n");
  const auto kept = evidence->keep(file.get(), kPlenty, soon());
  REQUIRE(kept.ok());
  CHECK(kept->path == place.directory() + "/" + to_hex(kept->sha256));
  CHECK(kept->sha256 == baseline::hash_file(file.get(), 15, soon()).value());
  CHECK(content_of(kept->path) == "#!/bin/sh\nevil\n");
  struct stat st {};
  REQUIRE(::stat(kept->path.c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0400);
  REQUIRE(::stat(place.directory().c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0700);
  CHECK(evidence->find(kept->sha256) == kept->path);
  CHECK(evidence->find(Sha256{}).empty());
}

TEST_CASE("the same content is kept once, after a restart too") {
  const Place place;
  const auto one = place.file("one", "same"), other = place.file("other", "same");
  REQUIRE(place.open()->keep(one.get(), kPlenty, soon()).ok());
  REQUIRE(place.open()->keep(other.get(), kPlenty, soon()).ok());
  CHECK(place.files() == 1);
}

TEST_CASE("a directory that others could enter is closed to them") {
  const Place place;
  REQUIRE(::mkdir(place.directory().c_str(), 0777) == 0);
  (void)place.open();
  struct stat st {};
  REQUIRE(::stat(place.directory().c_str(), &st) == 0);
  CHECK((st.st_mode & 0777) == 0700);
  std::filesystem::remove_all(place.directory());
  std::filesystem::create_directory_symlink("/tmp", place.directory());
  CHECK_FALSE(Evidence::open(place.directory(), {}).ok());
}

TEST_CASE("what is larger than asked for is not copied, however little of it is there") {
  const Place place;
  const auto evidence = place.open();
  const auto file = place.file("sparse", "x");
  REQUIRE(::truncate((place.path + "/sparse").c_str(), off_t{8} << 40) == 0);
  CHECK(evidence->keep(file.get(), kPlenty, soon()).error().code == EFBIG);
  const auto exact = place.file("exact", std::string(4096, 'x'));
  CHECK(evidence->keep(exact.get(), 4095, soon()).error().code == EFBIG);
  CHECK(evidence->keep(exact.get(), 4096, soon()).ok());
  CHECK(place.files() == 1);
}

TEST_CASE("a full directory refuses a new copy rather than give up a young one, and gives up old ones") {
  const Place place;
  const auto limits = Evidence::Limits{.total = 3 * 4096, .keep_for = std::chrono::hours(24)};
  auto evidence = place.open(limits);
  std::vector<Evidence::Copy> kept;
  for (const char* name : {"a", "b", "c"}) {
    kept.push_back(evidence->keep(place.file(name, name).get(), kPlenty, soon()).value());
  }
  const auto refused = evidence->keep(place.file("d", "d").get(), kPlenty, soon());
  CHECK(refused.error().code == ENOSPC);
  CHECK(refused.error().message.find(place.directory()) != std::string::npos);
  CHECK(place.files() == 3);
  const timespec old[2] = {{::time(nullptr) - 90000, 0}, {::time(nullptr) - 90000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, kept[1].path.c_str(), old, 0) == 0);
  evidence = place.open(limits);  // the directory was counted a moment ago: otherwise it would not be looked at yet
  ::sleep(1);
  CHECK(evidence->keep(place.file("d", "d").get(), kPlenty, soon()).ok());
  CHECK(evidence->find(kept[1].sha256).empty());
  CHECK_FALSE(evidence->find(kept[0].sha256).empty());
  CHECK(evidence->keep(place.file("large", std::string(4 * 4096, 'x')).get(), kPlenty, soon()).error().code == ENOSPC);
}

TEST_CASE("room that an administrator made is found") {
  const Place place;
  const auto evidence = place.open({.total = 4096, .keep_for = std::chrono::hours(24)});
  const auto kept = evidence->keep(place.file("a", "a").get(), kPlenty, soon()).value();
  std::filesystem::remove(kept.path);
  ::sleep(1);
  CHECK(evidence->keep(place.file("b", "b").get(), kPlenty, soon()).ok());
}

TEST_CASE("a full disk is an error that leaves nothing behind") {
  const test::Overlay own_mounts;  // its mount namespace
  const Place place;
  REQUIRE(::mkdir(place.directory().c_str(), 0700) == 0);
  REQUIRE(::mount("tmpfs", place.directory().c_str(), "tmpfs", 0, "size=64k") == 0);
  const auto evidence = place.open();
  CHECK(evidence->keep(place.file("large", std::string(128 << 10, 'x')).get(), kPlenty, soon()).error().code == ENOSPC);
  CHECK(place.files() == 0);
  CHECK(evidence->keep(place.file("small", "x").get(), kPlenty, soon()).ok());
  ::umount2(place.directory().c_str(), MNT_DETACH);
}

TEST_CASE("a copy that takes too long is given up") {
  const Place place;
  const auto evidence = place.open();
  const auto file = place.file("x", "x");
  CHECK(evidence->keep(file.get(), kPlenty, Steady::now() - std::chrono::seconds(1)).error().code == ETIMEDOUT);
  CHECK(place.files() == 0);
}

TEST_CASE("a half copy of a service that was killed is not taken for one") {
  const Place place;
  REQUIRE(::mkdir(place.directory().c_str(), 0700) == 0);
  std::ofstream(place.directory() + "/.unfinished") << "half";
  const auto evidence = place.open();
  REQUIRE(evidence->keep(place.file("x", "whole").get(), kPlenty, soon()).ok());
  CHECK(place.files() == 1);
}
