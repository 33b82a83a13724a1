#include "../../src/baseline/inventory.h"

#include <climits>

#include <doctest/doctest.h>

#include "../../src/baseline/path_open.h"
#include "../../src/baseline/proof.h"
#include "temp_tree.h"

using namespace holdfast;
using namespace holdfast::baseline;
using test::TempTree;

namespace {

const StopCode kNoStop = [] { return 0; };

Inventory walk_tree(const TempTree& tree, const WalkRules& rules = {}) {
  const auto root = test::open_directory(tree.path());
  return walk(root.get(), rules, kNoStop).value();
}

bool has(const Inventory& inventory, std::string_view path) {
  return inventory.table->find_path(path) != IdentityTable::kNone;
}

/// Goes down step by step, as PATH_MAX limits a single path.
UniqueFd make_deep(const TempTree& tree, int levels, const std::string& name) {
  UniqueFd at = test::open_directory(tree.path());
  for (int i = 0; i < levels; ++i) {
    REQUIRE(::mkdirat(at.get(), name.c_str(), 0755) == 0);
    at = UniqueFd(::openat(at.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(at.valid());
  }
  return at;
}

}  // namespace

TEST_CASE("executables of any x bit and shared objects are recorded, data is not") {
  const TempTree tree;
  tree.file("bin/all", "x", 0755);
  tree.file("bin/other", "x", 0601);
  tree.file("bin/suid", "x", 04711);
  tree.file("lib/libc.so", "x", 0644);
  tree.file("lib/libc.so.6", "x", 0644);
  tree.file("etc/data.source", "x", 0644);
  const auto inventory = walk_tree(tree);
  CHECK(inventory.table->size() == 5);
  CHECK(has(inventory, "/bin/other"));
  CHECK(has(inventory, "/bin/suid"));
  CHECK(has(inventory, "/lib/libc.so.6"));
  const auto library = inventory.table->image_file(inventory.table->find_path("/lib/libc.so"));
  CHECK(!library.executable);
  CHECK(library.identity == identity_of(test::stat_of(tree / "lib/libc.so")));
}

TEST_CASE("symlinks, fifos and devices are not executables, and links are not followed out") {
  const TempTree tree;
  tree.directory("d");
  REQUIRE(::symlink("/bin", (tree / "d/bin").c_str()) == 0);
  REQUIRE(::symlink("/bin/sh", (tree / "d/sh").c_str()) == 0);
  REQUIRE(::mkfifo((tree / "d/fifo.so").c_str(), 0777) == 0);
  CHECK(walk_tree(tree).table->size() == 0);
}

TEST_CASE("names of any byte are recorded as they are") {
  const TempTree tree;
  tree.file("new\nline", "x");
  tree.file("\xff\xfe bad \x01", "x");
  const auto inventory = walk_tree(tree);
  CHECK(has(inventory, "/new\nline"));
  CHECK(has(inventory, "/\xff\xfe bad \x01"));
}

TEST_CASE("a program below a path longer than PATH_MAX is recorded, and can be opened") {
  const TempTree tree;
  const std::string name(200, 'd');
  const auto deepest = make_deep(tree, 40, name);
  const UniqueFd program(::openat(deepest.get(), "tool", O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
  REQUIRE(program.valid());
  const auto inventory = walk_tree(tree);
  REQUIRE(inventory.table->size() == 1);
  CHECK(inventory.table->path(0).size() > PATH_MAX);
  const auto root = test::open_directory(tree.path());
  CHECK(open_beneath(root.get(), inventory.table->path(0), O_RDONLY).ok());
}

TEST_CASE("a tree without end is not entered without end, and that is told") {
  const TempTree tree;
  static_cast<void>(make_deep(tree, 300, std::string(250, 'd')));
  CHECK(walk_tree(tree).too_deep == 1);
}

TEST_CASE("a walk of a snapshot takes data for code too, since no image can be asked for its content later") {
  const TempTree tree;
  tree.file("etc/data", "x", 0644);
  tree.file("bin/tool", "x");
  const auto inventory = walk_tree(tree, {true, true});
  CHECK(inventory.table->size() == 2);
  CHECK(inventory.table->code_count() == 2);
  CHECK(!inventory.table->executable(inventory.table->find_path("/etc/data")));
}

TEST_CASE("a file written this very moment is recorded, but not proven") {
  const TempTree tree;
  for (int attempt = 0; attempt < 100; ++attempt) {
    const std::string path = tree.file("tool", std::to_string(attempt));
    const auto inventory = walk_tree(tree);
    REQUIRE(inventory.table->size() == 1);
    // On a busy machine the walk may have come late: then the next attempt counts.
    if (wall_now() - identity_of(test::stat_of(path)).ctime >= kProofAge) continue;
    CHECK(!inventory.table->proven(0));
    return;
  }
  FAIL("the machine is too busy to walk within 20 ms of a write");
}

TEST_CASE("paths do not leave the image") {
  const TempTree tree;
  tree.file("image/bin/tool", "x");
  tree.file("outside", "x");
  REQUIRE(::symlink("bin", (tree / "image/link").c_str()) == 0);
  REQUIRE(::symlink("/proc/self/exe", (tree / "image/magic").c_str()) == 0);
  const auto root = test::open_directory(tree / "image");
  CHECK(open_beneath(root.get(), "/bin/tool", O_RDONLY).ok());
  for (const char* path : {"/../outside", "/link/tool", "/magic", "/bin/tool/x", "/none", "/bin/../../outside"}) {
    CAPTURE(path);
    const auto opened = open_beneath(root.get(), path, O_RDONLY);
    REQUIRE(!opened.ok());
    CHECK(means_absent(opened.error()));
  }
}
