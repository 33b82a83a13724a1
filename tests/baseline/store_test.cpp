#include "../../src/baseline/store.h"

#include <algorithm>
#include <cerrno>
#include <fstream>

#include <doctest/doctest.h>

#include "../../src/baseline/hasher.h"
#include "../../src/baseline/migrations.h"
#include "../../src/baseline/resolve.h"
#include "temp_tree.h"

using namespace holdfast;
using namespace holdfast::baseline;
using test::TempTree;

namespace {

const std::string kKey(64, 'a');

ImageRecord record(const std::string& key = kKey) {
  ImageRecord image;
  image.key = key;
  image.lower_paths = {"/layers/1", "/layers/with\nnewline"};
  image.redirect_dir = "follow";
  return image;
}

std::unique_ptr<IdentityTable> small_table() {
  IdentityTable::Builder builder;
  REQUIRE(builder.add({"/bin/\xff\nodd", {7, 11, -5, ~0LL}, 0104755, true, true, hash_bytes("odd")}));
  REQUIRE(builder.add({"/bin/new", {~0ULL, 1ULL << 62, 1, 2}, 0100755, true, false, std::nullopt}));
  REQUIRE(builder.add({"/etc/data", {8, 12, 3, 4}, 0100644, false, true, std::nullopt}));
  return std::move(builder).build();
}

void execute(const std::string& path, const char* sql) {
  auto database = Database::open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  REQUIRE(database.ok());
  REQUIRE(database->execute(sql).ok());
}

std::string store_refusal(const std::string& path) {
  auto store = Store::open(path);
  REQUIRE(!store.ok());
  return store.error().message;
}

}  // namespace

TEST_CASE("a new database is readable by its owner only") {
  const TempTree tree;
  REQUIRE(Store::open(tree / "b.db").ok());
  CHECK((test::stat_of(tree / "b.db").st_mode & 07777) == 0600);
}

TEST_CASE("an image comes back from the database as it went in") {
  const TempTree tree;
  {
    auto store = Store::open(tree / "b.db").value();
    REQUIRE(store->save(record(), *small_table()).ok());
    REQUIRE(store->add_name(kKey, "nginx:1.27", "sha256:12").ok());
  }
  auto store = Store::open(tree / "b.db").value();
  const auto before = small_table();
  const auto after = store->load(kKey).value();
  REQUIRE(after != nullptr);
  REQUIRE(after->size() == 3);
  for (std::uint32_t file = 0; file < 3; ++file) {
    CHECK(after->path(file) == before->path(file));
    CHECK(after->identity(file) == before->identity(file));
    CHECK(after->mode(file) == before->mode(file));
    CHECK(after->code(file) == before->code(file));
    CHECK(after->proven(file) == before->proven(file));
    CHECK(after->hash(file) == before->hash(file));
  }
  const auto image = store->image(kKey).value();
  REQUIRE(image.has_value());
  CHECK(image->complete);
  CHECK(image->files == 2);
  CHECK(image->record.lower_paths == record().lower_paths);
  CHECK(image->record.redirect_dir == "follow");
  CHECK(image->references == std::vector<std::string>{"nginx:1.27"});
  CHECK(image->digests == std::vector<std::string>{"sha256:12"});
}

TEST_CASE("an image whose capture was cut short has no files yet") {
  const TempTree tree;
  auto store = Store::open(tree / "b.db").value();
  REQUIRE(store->touch(record()).ok());
  CHECK(store->load(kKey).value() == nullptr);
  CHECK(store->count_images().value() == 1);
  CHECK(!store->image(kKey).value()->complete);
}

TEST_CASE("cached hashes hold for exactly one version of a file on one file system") {
  const TempTree tree;
  auto store = Store::open(tree / "b.db").value();
  const Identity identity{1, 2, 3, 4};
  const CachedHash hash{42, identity, hash_bytes("x")};
  REQUIRE(store->cache({&hash, 1}).ok());
  CHECK(store->cached(42, identity) == hash_bytes("x"));
  CHECK(!store->cached(43, identity));
  CHECK(!store->cached(42, {1, 2, 3, 5}));
}

TEST_CASE("when a service ran last is remembered, also in a database of the first version") {
  const TempTree tree;
  const std::string path = tree / "b.db";
  {
    auto store = Store::open(path).value();
    CHECK(store->alive().value() == 0);
    REQUIRE(store->set_alive(1700000000).ok());
    REQUIRE(store->set_alive(1700000010).ok());
  }
  CHECK(Store::open(path).value()->alive().value() == 1700000010);
  execute(path,
          "DROP TABLE service_state; DROP TABLE overrides; DROP INDEX files_by_content; DROP TABLE sealed; DROP TABLE "
          "pins; PRAGMA user_version=1");
  CHECK(Store::open(path).value()->alive().value() == 0);
}

TEST_CASE("an override comes back from the database as it went in, and goes when it is removed") {
  const TempTree tree;
  policy::Override one;
  one.target = {~0ULL, 77, -5, "id\n\xff"};
  one.name = "web\0x";
  one.image = "nginx:1.27";
  one.mode = policy::Mode::off;
  one.reason = "ticket 4711; \xff'\n";
  one.began = std::chrono::sys_seconds{std::chrono::seconds{1'800'000'000}};
  one.until = one.began + std::chrono::minutes{15};
  one.boot = "11111111-2222-3333-4444-555555555555";
  one.boot_until = std::chrono::seconds{4711};
  one.uid = ~0U - 1;
  one.pid = 99;
  {
    auto store = Store::open(tree / "b.db").value();
    REQUIRE(store->save_override(one).ok());
    one.login_uid = 1000;
    REQUIRE(store->save_override(one).ok());
  }
  auto store = Store::open(tree / "b.db").value();
  const auto all = store->overrides().value();
  REQUIRE(all.size() == 1);
  const auto& back = all.front();
  CHECK(back.target == one.target);
  CHECK(back.name == one.name);
  CHECK(back.image == one.image);
  CHECK(back.mode == one.mode);
  CHECK(back.reason == one.reason);
  CHECK(back.began == one.began);
  CHECK(back.until == one.until);
  CHECK(back.boot == one.boot);
  CHECK(back.boot_until == one.boot_until);
  CHECK(back.uid == one.uid);
  CHECK(back.pid == one.pid);
  CHECK(back.login_uid == one.login_uid);
  auto other = one.target;
  other.id = "another";
  REQUIRE(store->remove_override(other).ok());
  CHECK(store->overrides().value().size() == 1);
  REQUIRE(store->remove_override(one.target).ok());
  CHECK(store->overrides().value().empty());
}

TEST_CASE("pins come back from the database as they went in, and go when their container was not seen for long") {
  const TempTree tree;
  const auto at = [](std::int64_t seconds) { return std::chrono::sys_seconds{std::chrono::seconds{seconds}}; };
  policy::Sealed one{{~0ULL, -5}, at(1000), {{"/opt/a\n\xff", hash_bytes("x")}, {"/opt/b", hash_bytes("y")}}};
  const policy::Sealed other{{7, 8}, at(2000), {{"/opt/a\n\xff", hash_bytes("z")}}};
  {
    auto store = Store::open(tree / "b.db").value();
    REQUIRE(store->save_sealed(one).ok());
    REQUIRE(store->save_sealed(other).ok());
    one.pins.erase("/opt/b");
    REQUIRE(store->save_sealed(one).ok());
  }
  auto store = Store::open(tree / "b.db").value();
  const auto all = store->sealed(10).value();
  REQUIRE(all.size() == 2);
  CHECK(all[0].root == other.root);
  CHECK(all[0].pins == other.pins);
  CHECK(all[1].root == one.root);
  CHECK(all[1].seen == one.seen);
  CHECK(all[1].pins == one.pins);
  CHECK(store->sealed(1).value().size() == 1);
  REQUIRE(store->prune_sealed(2000).ok());
  const auto left = store->sealed(10).value();
  REQUIRE(left.size() == 1);
  CHECK(left[0].pins == other.pins);
  REQUIRE(store->save_sealed({one.root, one.seen, {}}).ok());
  CHECK(store->sealed(10).value()[1].pins.empty());
}

TEST_CASE("a database of the second version learns of overrides, and one with an unknown mode is not guessed at") {
  const TempTree tree;
  const std::string path = tree / "b.db";
  { REQUIRE(Store::open(path).ok()); }
  execute(
      path,
      "DROP TABLE overrides; DROP INDEX files_by_content; DROP TABLE sealed; DROP TABLE pins; PRAGMA user_version=2");
  CHECK(Store::open(path).value()->overrides().value().empty());
  execute(path, "INSERT INTO overrides VALUES (1,2,3,'a','','','sometimes','',0,0,'',0,0,0,-1)");
  CHECK(Store::open(path).value()->overrides().error().code == EUCLEAN);
}

TEST_CASE("a database of a newer version is refused in words that help, and left alone") {
  const TempTree tree;
  const std::string path = tree / "b.db";
  { REQUIRE(Store::open(path).ok()); }
  execute(path, "PRAGMA user_version=1000");
  const std::string message = store_refusal(path);
  CHECK(message.find(path) != std::string::npos);
  CHECK(message.find("newer") != std::string::npos);
  execute(path, "SELECT count(*) FROM images");
}

TEST_CASE("somebody else's database is refused and left alone") {
  const TempTree tree;
  const std::string path = tree / "b.db";
  execute(path, "CREATE TABLE precious (x)");
  CHECK(store_refusal(path).find("not a Holdfast") != std::string::npos);
  execute(path, "SELECT x FROM precious");
}

TEST_CASE("a file that is no database is refused and left alone") {
  const TempTree tree;
  const std::string garbage(4096, 'g');
  const std::string path = tree.file("b.db", garbage, 0600);
  CHECK(store_refusal(path).find("damaged") != std::string::npos);
  CHECK(test::stat_of(path).st_size == 4096);
}

TEST_CASE("a database with a damaged page is refused") {
  const TempTree tree;
  const std::string path = tree / "b.db";
  {
    auto store = Store::open(path).value();
    IdentityTable::Builder builder;
    for (std::uint64_t n = 0; n < 2000; ++n) {
      REQUIRE(builder.add({"/bin/" + std::to_string(n), {n, n, 0, 0}, 0100755, true, true, hash_bytes("x")}));
    }
    REQUIRE(store->save(record(), *std::move(builder).build()).ok());
  }
  const auto size = test::stat_of(path).st_size;
  REQUIRE(size > 65536);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(size / 2);
  file << std::string(16384, '\x5a');
  file.close();
  CHECK(store_refusal(path).find("damaged") != std::string::npos);
}

TEST_CASE("an empty file becomes a database") {
  const TempTree tree;
  CHECK(Store::open(tree.file("b.db", "", 0644)).ok());
  CHECK((test::stat_of(tree / "b.db").st_mode & 0777) == 0600);
}

TEST_CASE("a directory that does not exist is an error that names the file") {
  const TempTree tree;
  CHECK(store_refusal(tree / "none/b.db").find("none/b.db") != std::string::npos);
}

TEST_CASE("the images that ship a program are found by its content, under all their names") {
  const TempTree tree;
  auto store = Store::open(tree / "b.db").value();
  const std::string incomplete(64, 'b'), snapshot(64, 'c');
  REQUIRE(store->save(record(), *small_table()).ok());
  REQUIRE(store->add_name(kKey, "localhost/tools:1", "sha256:77").ok());
  REQUIRE(store->add_name(kKey, "localhost/tools:latest", "sha256:77").ok());
  ImageRecord root = record(snapshot);
  root.kind = Kind::snapshot;
  REQUIRE(store->save(root, *small_table()).ok());
  const auto sha256 = hash_bytes("odd");
  auto names = store->names_with_program(11, sha256, {}).value();
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  CHECK(names == std::vector<std::string>{kKey, "localhost/tools:1", "localhost/tools:latest", "sha256:77"});
  CHECK(store->names_with_program(12, sha256, {}).value().empty());
  CHECK(store->names_with_program(11, hash_bytes("even"), {}).value().empty());
  REQUIRE(store->touch(record(incomplete)).ok());
  REQUIRE(store->add_name(incomplete, "new:1", "").ok());
  CHECK(store->names_with_program(12, sha256, {incomplete}).value() == std::vector<std::string>{incomplete, "new:1"});
}

TEST_CASE("pruning removes what is old and unused, and the hashes that only it had") {
  const TempTree tree;
  auto store = Store::open(tree / "b.db").value();
  const std::string other(64, 'b');
  REQUIRE(store->save(record(), *small_table()).ok());
  REQUIRE(store->touch(record(other)).ok());
  const CachedHash hashes[] = {{1, {7, 11, -5, ~0LL}, hash_bytes("odd")}, {1, {99, 9, 9, 9}, hash_bytes("y")}};
  REQUIRE(store->cache(hashes).ok());
  const auto future = std::numeric_limits<std::int64_t>::max();
  CHECK(store->prune(0, [](const std::string&) { return false; }).value() == 0);
  CHECK(store->cached(1, hashes[0].identity).has_value());
  CHECK(!store->cached(1, hashes[1].identity));
  CHECK(store->prune(future, [](const std::string& key) { return key == kKey; }).value() == 1);
  CHECK(store->load(kKey).value() != nullptr);
  CHECK(store->prune(future, [](const std::string&) { return false; }).value() == 1);
  CHECK(!store->cached(1, hashes[0].identity));
  CHECK(store->count_images().value() == 0);
}

TEST_CASE("pruning gives space back to the disk") {
  const TempTree tree;
  const std::string path = tree / "b.db";
  {
    auto store = Store::open(path).value();
    IdentityTable::Builder builder;
    for (std::uint64_t n = 0; n < 5000; ++n) {
      REQUIRE(builder.add({"/bin/" + std::to_string(n), {n, n, 0, 0}, 0100755, true, true, hash_bytes("x")}));
    }
    REQUIRE(store->save(record(), *std::move(builder).build()).ok());
  }
  const auto full = test::stat_of(path).st_size;
  {
    auto store = Store::open(path).value();
    const auto future = std::numeric_limits<std::int64_t>::max();
    REQUIRE(store->prune(future, [](const std::string&) { return false; }).value() == 1);
  }
  CHECK(test::stat_of(path).st_size < full / 4);
}

TEST_CASE("an image is found by reference, digest or the beginning of its id") {
  std::vector<StoredImage> images(2);
  images[0].record.key = "abc1";
  images[0].references = {"docker.io/library/nginx:latest"};
  images[0].digests = {"sha256:77"};
  images[1].record.key = "abd2";
  images[1].references = {"docker.io/library/redis:7", "quay.io/x/nginx:1"};
  CHECK(resolve_image(images, "nginx").value() == "abc1");
  CHECK(resolve_image(images, "library/redis:7").value() == "abd2");
  CHECK(resolve_image(images, "sha256:77").value() == "abc1");
  CHECK(resolve_image(images, "77").value() == "abc1");
  CHECK(resolve_image(images, "abd").value() == "abd2");
  CHECK(resolve_image(images, "ab").error().code == ENOTUNIQ);
  CHECK(resolve_image(images, "inx").error().code == ENOENT);
  CHECK(resolve_image(images, "").error().code == ENOENT);
}
