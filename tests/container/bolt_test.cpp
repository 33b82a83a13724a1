#include "../../src/container/bolt.h"

#include <cstring>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::container;

namespace {

/// What `podman` 4.3 and `ctr` 1.6 left behind: a container with a label each.
std::string database(const std::string& name) {
  std::ifstream stream(std::string(HOLDFAST_FIXTURES) + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

Bolt::ReadAt reader(const std::string& bytes) {
  return [&bytes](std::uint64_t offset, char* buffer, std::size_t size) {
    if (offset > bytes.size() || bytes.size() - offset < size) return false;
    std::memcpy(buffer, bytes.data() + offset, size);
    return true;
  };
}

const Bolt::Path kContainer = {"v1", "pipe", "containers", "boltc"};
const Bolt::Path kPodman = {"ctr", "6de60c55839aecc11b04abbe59c2f19870cbf14b3b7fdf6fa593be68ea8e1003"};

}  // namespace

TEST_CASE("containerd's database has a container's image and labels") {
  const std::string bytes = database("containerd-meta.db");
  Bolt bolt(reader(bytes));
  const auto found = bolt.find(kContainer, "image", "labels", 100);
  REQUIRE_MESSAGE(found, found.error().message);
  CHECK(found->value == "localhost/hftest-app:1");
  CHECK(found->values.at("tier") == "back");
  CHECK(bolt.find(kContainer, "image", "labels", 1)->values.size() == 1);
  const auto none = bolt.find({"v1", "pipe", "containers", "other"}, "image", "labels", 100);
  REQUIRE(none);
  CHECK(!none->value);
  CHECK(!bolt.find({"v1", "pipe", "image"}, "x", "", 0)->value);
  CHECK(!bolt.find(kContainer, "labels", "", 0)->value);  // a bucket is no value
  CHECK(bolt.find(kContainer, "image", "image", 9)->values.empty());
}

TEST_CASE("Podman's database has a container's configuration") {
  const std::string bytes = database("podman-bolt.db");
  Bolt bolt(reader(bytes));
  const auto found = bolt.find(kPodman, "config", "", 0);
  REQUIRE_MESSAGE(found, found.error().message);
  REQUIRE(found->value);
  CHECK(found->value->find(R"("labels":{"tier":"front","x":"y"})") != std::string::npos);
  CHECK(!bolt.find({"ctr", "none"}, "config", "", 0)->value);
}

TEST_CASE("a database that is damaged anywhere is an error or an answer, never a crash") {
  const std::string good = database("containerd-meta.db");
  CHECK(!Bolt(reader(std::string())).find(kContainer, "image", "labels", 100));
  const std::string cut = good.substr(0, 8192);
  CHECK(!Bolt(reader(cut)).find(kContainer, "image", "labels", 100));
  std::string bytes = good;
  for (std::size_t at = 0; at < bytes.size(); at += 61) {
    for (const char other : {'\0', '\x7f', '\xff'}) {
      const char kept = bytes[at];
      bytes[at] = other;
      const auto found = Bolt(reader(bytes)).find(kContainer, "image", "labels", 100);
      if (found) CHECK(found->values.size() <= 100);
      bytes[at] = kept;
    }
  }
}

TEST_CASE("what was read while the database was written does not count") {
  const std::string bytes = database("containerd-meta.db");
  int metas = 0;
  // From the second look on, the meta pages are of a later transaction each time: their checksums fit, so both go.
  Bolt bolt([&](std::uint64_t offset, char* buffer, std::size_t size) {
    if (!reader(bytes)(offset, buffer, size)) return false;
    if (offset < 8192 && size < 512 && ++metas > 2) std::memset(buffer, 0, size);
    return true;
  });
  CHECK(!bolt.find(kContainer, "image", "labels", 100));
}
