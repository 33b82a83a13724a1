#include "holdfast/baseline/imports.h"

#include <sys/stat.h>

#include <cerrno>

#include <doctest/doctest.h>

#include "../../src/baseline/hasher.h"
#include "../../src/baseline/store.h"
#include "temp_tree.h"

using namespace holdfast;
using namespace holdfast::baseline;
using test::TempTree;

namespace {

ImageListing image(const std::string& name, const std::string& content) {
  ImageListing out{std::string(64, 'a'), "archive", {name}, {"sha256:" + name}, "linux/amd64", {}};
  out.files = {{"/bin/a", content.size(), 04755, hash_bytes(content)}, {"/bin/\xff", 1, 0755, std::nullopt}};
  return out;
}

}  // namespace

TEST_CASE(
    "imported baselines are found by name, digest and id, and come again "
    "only once") {
  const TempTree tree;
  const Imports imports(tree / "imported.db");
  REQUIRE(imports.list());
  CHECK(imports.list()->empty());
  CHECK(!std::filesystem::exists(tree / "imported.db"));  // looking makes nothing

  const auto added = imports.add({image("registry/app:1", "1"), image("registry/app:2", "2")}, 1000);
  REQUIRE_MESSAGE(added, added.error().message);
  CHECK(((*added)[0].is_new && (*added)[1].is_new));
  CHECK((*added)[0].id != (*added)[1].id);
  struct stat st {};
  REQUIRE(::stat((tree / "imported.db").c_str(), &st) == 0);
  CHECK((st.st_mode & 0777) == 0600);

  for (const std::string& text : {std::string("registry/app:1"), std::string("app:1"),
                                  std::string("sha256:registry/app:1"), (*added)[0].id, (*added)[0].id.substr(0, 12)}) {
    const auto found = imports.find(text);
    REQUIRE_MESSAGE(found, text);
    CHECK(found->id == (*added)[0].id);
    CHECK(found->listing.files == image("registry/app:1", "1").files);
    CHECK(found->listing.platform == "linux/amd64");
    CHECK(found->when == 1000);
  }
  CHECK(!imports.find("app:3"));
  // The id that the file gives an image means nothing here.
  CHECK(!imports.find(std::string(64, 'a')));

  const auto again = imports.add({image("registry/app:2", "2"), image("registry/app:1", "other")}, 2000);
  REQUIRE(again);
  CHECK((!(*again)[0].is_new && (*again)[1].is_new));
  CHECK(imports.list()->size() == 3);
  CHECK(imports.find("app:1").error().code == ENOTUNIQ);
  CHECK(imports.remove(2000).value() == 2);
  CHECK(imports.find("app:1")->when == 2000);
}

TEST_CASE("a database that is none of imports is refused and left as it is") {
  const TempTree tree;
  tree.file("text", "no database at all, but long enough to look at it as if it was one");
  CHECK(!Imports(tree / "text").add({image("a", "1")}, 1));
  { REQUIRE(Store::open(tree / "baseline.db")); }
  CHECK(!Imports(tree / "baseline.db").add({image("a", "1")}, 1));
  CHECK(Imports(tree / "baseline.db").list().error().message.find("not a database of imported baselines") !=
        std::string::npos);
  CHECK(Store::open(tree / "baseline.db").ok());
}
