#include "../../src/baseline/store.h"

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

std::string refusal(const std::string& path) {
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

TEST_CASE("a database of a newer version is refused in words that help, and left alone") {
  const TempTree tree;
  const std::string path = tree / "b.db";
  { REQUIRE(Store::open(path).ok()); }
  execute(path, "PRAGMA user_version=1000");
  const std::string message = refusal(path);
  CHECK(message.find(path) != std::string::npos);
  CHECK(message.find("newer") != std::string::npos);
  execute(path, "SELECT count(*) FROM images");
}

TEST_CASE("somebody else's database is refused and left alone") {
  const TempTree tree;
  const std::string path = tree / "b.db";
  execute(path, "CREATE TABLE precious (x)");
  CHECK(refusal(path).find("not a Holdfast") != std::string::npos);
  execute(path, "SELECT x FROM precious");
}

TEST_CASE("a file that is no database is refused and left alone") {
  const TempTree tree;
  const std::string garbage(4096, 'g');
  const std::string path = tree.file("b.db", garbage, 0600);
  CHECK(refusal(path).find("damaged") != std::string::npos);
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
  CHECK(refusal(path).find("damaged") != std::string::npos);
}

TEST_CASE("an empty file becomes a database") {
  const TempTree tree;
  CHECK(Store::open(tree.file("b.db", "", 0644)).ok());
  CHECK((test::stat_of(tree / "b.db").st_mode & 0777) == 0600);
}

TEST_CASE("a directory that does not exist is an error that names the file") {
  const TempTree tree;
  CHECK(refusal(tree / "none/b.db").find("none/b.db") != std::string::npos);
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
