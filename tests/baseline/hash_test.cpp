#include "holdfast/baseline/hash.h"

#include <cerrno>

#include <doctest/doctest.h>

#include "../../src/baseline/hasher.h"
#include "temp_tree.h"

using namespace holdfast;
using namespace holdfast::baseline;
using test::TempTree;

namespace {

constexpr Steady::duration kLong = std::chrono::minutes(1);

UniqueFd open_file(const std::string& path) { return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); }

std::string hash_text(const std::string& content) {
  const TempTree tree;
  const auto file = open_file(tree.file("f", content));
  return to_hex(hash_file(file.get(), content.size(), Steady::now() + kLong).value());
}

}  // namespace

TEST_CASE("hashes are the published SHA-256 test vectors'") {
  CHECK(hash_text("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hash_text("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hash_text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(hash_text(std::string(1'000'000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a hash asked for too late is a timeout, not a number") {
  const TempTree tree;
  const auto file = open_file(tree.file("f", std::string(1024 * 1024, 'x')));
  const auto hashed = hash_file(file.get(), 1024 * 1024, Steady::now() - std::chrono::seconds(1));
  REQUIRE(!hashed.ok());
  CHECK(hashed.error().code == ETIMEDOUT);
}

TEST_CASE("a file that is shorter than it should be has no hash") {
  const TempTree tree;
  const auto file = open_file(tree.file("f", "short"));
  const auto hashed = hash_file(file.get(), 6, Steady::now() + kLong);
  REQUIRE(!hashed.ok());
  CHECK(hashed.error().code == EIO);
}

TEST_CASE("only the first bytes count where fewer are asked for") {
  const TempTree tree;
  const auto file = open_file(tree.file("f", "abcdef"));
  CHECK(to_hex(hash_file(file.get(), 3, Steady::now() + kLong).value()) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("a file that is not the recorded one is not hashed in its place") {
  const TempTree tree;
  const std::string path = tree.file("bin/tool", "one");
  const auto root = test::open_directory(tree.path());
  const StopCode never = [] { return 0; };
  Identity identity = identity_of(test::stat_of(path));
  CHECK(hash_at(root.get(), "/bin/tool", identity, {}, never).ok());
  identity.ctime -= 1;
  const auto stale = hash_at(root.get(), "/bin/tool", identity, {}, never);
  REQUIRE(!stale.ok());
  CHECK(stale.error().code == ESTALE);
}

TEST_CASE("a hash proves its identity once the ctime is old enough, and never where times are not the kernel's") {
  const TempTree tree;
  const std::string path = tree.file("tool", "one");
  const auto root = test::open_directory(tree.path());
  const StopCode never = [] { return 0; };
  const Identity identity = identity_of(test::stat_of(path));
  CHECK(hash_at(root.get(), "/tool", identity, {true, true}, never).value().proven);
  CHECK(!hash_at(root.get(), "/tool", identity, {false, true}, never).value().proven);
}
