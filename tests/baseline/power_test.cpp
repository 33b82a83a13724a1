#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include <doctest/doctest.h>

#include "holdfast/baseline/catalog.h"

#include "../../src/baseline/hasher.h"
#include "../../src/baseline/sqlite.h"
#include "../../src/baseline/statement.h"
#include "../../src/baseline/store.h"
#include "catalog_fixture.h"
#include "temp_tree.h"

// The power goes at any moment: what SQLite had written by then is a database, and the next capture completes it.

using namespace holdfast;
using namespace holdfast::baseline;
using test::layers_of;
using test::soon;
using test::TempTree;

namespace {

constexpr int kKills = 200;
constexpr int kFiles = 300;

void make_image(const TempTree& tree) {
  for (int i = 0; i < kFiles; ++i) tree.file("low/bin/" + std::to_string(i), "program " + std::to_string(i));
  tree.file("top/bin/app", "application");
}

/// What a complete capture knows; nothing if it failed.
std::vector<ImageFile> capture(const TempTree& tree, const std::string& database) {
  const auto catalog = Catalog::open({database, 2, {}});
  if (!catalog) return {};
  const auto baseline = (*catalog)->open_image(layers_of(tree, "top", "low"));
  if (!baseline) return {};
  auto files = (*baseline)->all_files(soon());
  return files ? *files : std::vector<ImageFile>();
}

/// Captures in a process that is killed after this time; the status that it ended with, should it have been faster.
int capture_and_kill(const TempTree& tree, const std::string& database, std::chrono::microseconds after) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(capture(tree, database).size() == kFiles + 1 ? 0 : 3);
  std::this_thread::sleep_for(after);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

std::string integrity(const std::string& path) {
  auto database = Database::open(path, SQLITE_OPEN_READWRITE);
  REQUIRE(database.ok());
  auto check = Statement::prepare(*database, "PRAGMA integrity_check");
  REQUIRE(check.ok());
  REQUIRE(check->step().value());
  return std::string(check->bytes());
}

}  // namespace

TEST_CASE("killed two hundred times in the middle of a capture, the baseline is the same as undisturbed") {
  const TempTree tree;
  make_image(tree);
  const std::string database = tree / "killed.db";
  int finished_badly = 0;
  for (int i = 0; i < kKills; ++i) {
    // From before the database is there to after the capture is complete; begun anew from time to time.
    if (i % 20 == 0) {
      for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(database + end);
    }
    finished_badly += capture_and_kill(tree, database, std::chrono::microseconds(500 + (i * 7919) % 25'000)) != 0;
    if (i % 10 == 9 && std::filesystem::exists(database)) CHECK(integrity(database) == "ok");
  }
  CHECK(finished_badly == 0);
  const auto resumed = capture(tree, database);
  const auto undisturbed = capture(tree, tree / "undisturbed.db");
  REQUIRE(undisturbed.size() == kFiles + 1);
  REQUIRE(resumed.size() == undisturbed.size());
  for (std::size_t i = 0; i < resumed.size(); ++i) {
    CHECK(resumed[i].path == undisturbed[i].path);
    CHECK(resumed[i].identity == undisturbed[i].identity);
    CHECK(resumed[i].sha256 == undisturbed[i].sha256);
  }
  CHECK(integrity(database) == "ok");
}

TEST_CASE("a database of a thousand images opens at once, and pruning spares what cannot be captured again") {
  const TempTree tree;
  const std::string path = tree / "many.db";
  {
    auto store = Store::open(path).value();
    for (int image = 0; image < 1000; ++image) {
      IdentityTable::Builder builder;
      for (std::uint64_t n = 0; n < 40; ++n) {
        REQUIRE(builder.add({"/bin/" + std::to_string(n), {n, n, image, 0}, 0100755, true, true, hash_bytes("x")}));
      }
      ImageRecord record;
      record.key = std::to_string(image);
      record.kind = image % 10 == 0 ? Kind::snapshot : Kind::layers;
      REQUIRE(store->save(record, *std::move(builder).build()).ok());
    }
  }
  const auto begin = Steady::now();
  const auto catalog = Catalog::open({path, 1, {}}).value();
  CHECK(catalog->counters().images_stored == 1000);
  CHECK(Steady::now() - begin < std::chrono::seconds(5));
  CHECK(catalog->prune_layered(0).value() == 0);
  CHECK(catalog->prune_layered(std::numeric_limits<std::int64_t>::max()).value() == 900);
  CHECK(catalog->counters().images_stored == 100);
}

TEST_CASE("a database that was cut off is refused and left alone") {
  const TempTree tree;
  make_image(tree);
  const std::string path = tree / "cut.db";
  REQUIRE(capture(tree, path).size() == kFiles + 1);
  const auto size = std::filesystem::file_size(path);
  std::filesystem::resize_file(path, size / 2 + 100);
  const auto refused = Catalog::open({path, 1, {}});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("damaged") != std::string::npos);
  CHECK(std::filesystem::file_size(path) == size / 2 + 100);
}
