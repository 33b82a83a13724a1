#include <fstream>

#include <doctest/doctest.h>

#include "holdfast/baseline/catalog.h"

#include "../../src/baseline/hasher.h"
#include "catalog_fixture.h"
#include "overlay_lab.h"

using namespace holdfast;
using namespace holdfast::baseline;
using test::open_catalog;
using test::seen;
using test::TempTree;

namespace {

void make_root(const TempTree& tree) {
  tree.file("root/bin/sh", "shell");
  tree.file("root/etc/script", "echo", 0644);
  tree.file("root/lib/l.so", "library", 0644);
}

}  // namespace

TEST_CASE("a root without layers is captured completely before it is used") {
  const TempTree tree;
  make_root(tree);
  const auto catalog = open_catalog(tree);
  const auto root = test::open_directory(tree / "root");
  const auto baseline = catalog->open_snapshot(root.get()).value();
  CHECK(baseline->state() == State::complete);
  CHECK(baseline->kind() == Kind::snapshot);
  CHECK(baseline->file_count() == 3);
  CHECK(baseline->is_image_code(seen(tree, "root/bin/sh")));
  CHECK(baseline->at_path("/bin/sh").value()->sha256 == hash_bytes("shell"));
  const auto script = baseline->at_path("/etc/script").value();
  REQUIRE(script.has_value());
  CHECK(!script->executable);
  CHECK(script->sha256.has_value());
  CHECK(!baseline->at_path("/etc").value());
  CHECK(baseline->find_content(5, hash_bytes("shell"), Steady::now()).value()->path == "/bin/sh");
}

TEST_CASE("a dirty root after a restart is judged as the fresh one was") {
  const TempTree tree;
  make_root(tree);
  const auto root = test::open_directory(tree / "root");
  std::string id;
  {
    const auto catalog = open_catalog(tree);
    id = catalog->open_snapshot(root.get()).value()->id();
  }
  tree.file("root/bin/sh", "evil!");
  tree.file("root/bin/implant", "implant");
  const auto catalog = open_catalog(tree);
  const auto baseline = catalog->open_snapshot(root.get()).value();
  CHECK(baseline->id() == id);
  CHECK(!baseline->is_image_code(seen(tree, "root/bin/sh")));
  CHECK(!baseline->at_path("/bin/implant").value());
  CHECK(baseline->at_path("/bin/sh").value()->sha256 == hash_bytes("shell"));
  CHECK(catalog->counters().bytes_hashed == 0);
  const auto differences = catalog->verify(id, false, nullptr).value();
  REQUIRE(differences.size() == 2);
  CHECK(differences[0].path == "/bin/implant");
  CHECK(differences[1].path == "/bin/sh");
}

TEST_CASE("a root made anew in the same place is another one") {
  const TempTree tree;
  make_root(tree);
  const auto catalog = open_catalog(tree);
  const auto first = catalog->open_snapshot(test::open_directory(tree / "root").get()).value();
  std::filesystem::remove_all(tree / "root");
  tree.file("root/bin/other", "other");
  const auto second = catalog->open_snapshot(test::open_directory(tree / "root").get()).value();
  CHECK(first->id() != second->id());
  CHECK(second->at_path("/bin/other").value().has_value());
}

TEST_CASE("what is mounted into a root is not part of its snapshot") {
  if (!test::may_mount()) {
    MESSAGE("skipped: mounting needs root");
    return;
  }
  const TempTree tree;
  make_root(tree);
  tree.file("volume/tool", "from the volume");
  tree.directory("root/mnt");
  tree.file("root/bin/over", "below");
  const auto done = kernel::run_in_mount_namespace(-1, [&]() -> Result<void> {
    if (auto entered = kernel::enter_private_mount_namespace(); !entered) return entered;
    if (::mount((tree / "volume").c_str(), (tree / "root/mnt").c_str(), nullptr, MS_BIND, nullptr) != 0 ||
        ::mount((tree / "volume/tool").c_str(), (tree / "root/bin/over").c_str(), nullptr, MS_BIND, nullptr) != 0) {
      return errno_error("mount");
    }
    const auto catalog = open_catalog(tree);
    const auto baseline = catalog->open_snapshot(test::open_directory(tree / "root").get()).value();
    CHECK(!baseline->at_path("/mnt/tool").value());
    CHECK(!baseline->at_path("/bin/over").value());
    CHECK(baseline->at_path("/bin/sh").value().has_value());
    return {};
  });
  CHECK_MESSAGE(done.ok(), (done.ok() ? "" : done.error().message));
}
