#include "holdfast/baseline/catalog.h"

#include <dirent.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <thread>

#include <doctest/doctest.h>

#include "../../src/baseline/hasher.h"
#include "../../src/baseline/sqlite.h"
#include "catalog_fixture.h"
#include "overlay_lab.h"

using namespace holdfast;
using namespace holdfast::baseline;
using test::layers_of;
using test::open_catalog;
using test::seen;
using test::soon;
using test::TempTree;

namespace {

Sha256 hash_of(const std::string& content) { return hash_bytes(content); }

/// Complete, with all its files; fails the test otherwise.
std::vector<ImageFile> complete(const Baseline& baseline) {
  auto files = baseline.all_files(soon());
  REQUIRE_MESSAGE(files.ok(), (files.ok() ? "" : files.error().message));
  return *files;
}

/// A capture lets go of its baseline a moment after it is complete.
void wait_until_unused(const Catalog& catalog) {
  for (const auto deadline = soon(); catalog.counters().images_live > 0;) {
    REQUIRE(Steady::now() < deadline);
    std::this_thread::yield();
  }
}

TempTree& with_image(TempTree& tree) {
  tree.file("low/bin/sh", "shell");
  tree.file("low/bin/tool", "tool of the lower layer");
  tree.file("low/lib/libc.so.6", "library", 0644);
  tree.file("low/etc/data", "data", 0644);
  tree.file("top/bin/app", "application");
  return tree;
}

}  // namespace

TEST_CASE("an image's executables are known by identity, path, size and content") {
  TempTree tree;
  with_image(tree);
  const auto catalog = open_catalog(tree);
  const auto baseline = catalog->open_image(layers_of(tree, "top", "low")).value();
  REQUIRE(baseline->wait_walked(soon()));
  CHECK(complete(*baseline).size() == 4);
  CHECK(baseline->state() == State::complete);
  CHECK(baseline->kind() == Kind::layers);
  CHECK(baseline->file_count() == 4);
  CHECK(baseline->is_image_code(seen(tree, "low/bin/sh")));
  CHECK(baseline->is_image_code(seen(tree, "top/bin/app")));
  CHECK(!baseline->is_image_code(seen(tree, "low/etc/data")));
  CHECK(baseline->has_size(5));
  CHECK(!baseline->has_size(4));

  const auto tool = baseline->at_path("/bin/tool").value();
  REQUIRE(tool.has_value());
  CHECK(tool->sha256 == hash_of("tool of the lower layer"));
  const auto data = baseline->at_path("/etc/data").value();
  REQUIRE(data.has_value());
  CHECK(!data->executable);
  CHECK(!data->sha256);
  CHECK(baseline->hash(*data, soon()).value() == hash_of("data"));
  CHECK(!baseline->at_path("/bin/none").value());

  const auto found = baseline->find_content(5, hash_of("shell"), soon()).value();
  REQUIRE(found.has_value());
  CHECK(found->path == "/bin/sh");
  CHECK(!baseline->find_content(5, hash_of("other"), soon()).value());
}

TEST_CASE("an image opened twice is one baseline, captured once") {
  TempTree tree;
  with_image(tree);
  const auto catalog = open_catalog(tree);
  const auto first = catalog->open_image(layers_of(tree, "top", "low")).value();
  const auto second = catalog->open_image(layers_of(tree, "top", "low")).value();
  CHECK(first == second);
  complete(*first);
  CHECK(catalog->counters().captures_done == 1);
  CHECK(catalog->counters().images_live == 1);
  CHECK(catalog->counters().files_hashed == 4);
}

TEST_CASE("a stored image comes back after a restart without its layers being read") {
  TempTree tree;
  with_image(tree);
  {
    const auto catalog = open_catalog(tree);
    complete(*catalog->open_image(layers_of(tree, "top", "low")).value());
  }
  const auto catalog = open_catalog(tree);
  const auto baseline = catalog->open_image(layers_of(tree, "top", "low")).value();
  CHECK(complete(*baseline).size() == 4);
  CHECK(baseline->is_image_code(seen(tree, "low/bin/tool")));
  CHECK(baseline->at_path("/bin/tool").value()->sha256 == hash_of("tool of the lower layer"));
  CHECK(catalog->counters().bytes_hashed == 0);
  CHECK(catalog->counters().captures_done == 0);
}

TEST_CASE("a second image that shares layers reads nothing again") {
  TempTree tree;
  with_image(tree);
  tree.directory("empty");
  const auto catalog = open_catalog(tree);
  complete(*catalog->open_image(layers_of(tree, "top", "low")).value());
  const auto before = catalog->counters();
  const auto second = catalog->open_image(layers_of(tree, "empty", "top", "low")).value();
  CHECK(complete(*second).size() == 4);
  CHECK(catalog->counters().bytes_hashed == before.bytes_hashed);
  CHECK(catalog->counters().cache_hits - before.cache_hits == 4);
  CHECK(second->is_image_code(seen(tree, "low/bin/tool")));
}

TEST_CASE("a capture cut short goes on where it was after a restart") {
  TempTree tree;
  const std::string big(3'000'000, 'b');
  for (int i = 0; i < 60; ++i) tree.file("low/bin/" + std::to_string(i), std::to_string(i) + big);
  tree.directory("top");
  std::uint64_t read_before = 0;
  {
    const auto catalog = open_catalog(tree);
    const auto baseline = catalog->open_image(layers_of(tree, "top", "low")).value();
    while (catalog->counters().files_hashed < 5 && baseline->state() != State::complete) std::this_thread::yield();
    read_before = catalog->counters().files_hashed;
  }
  const auto catalog = open_catalog(tree);
  const auto baseline = catalog->open_image(layers_of(tree, "top", "low")).value();
  const auto files = complete(*baseline);
  CHECK(files.size() == 60);
  CHECK(std::all_of(files.begin(), files.end(), [](const ImageFile& file) { return file.sha256.has_value(); }));
  CHECK(read_before >= 5);
  CHECK(catalog->counters().files_hashed <= 60 - read_before);
}

TEST_CASE("a program's content is found at every moment of the capture, whoever has hashed it by then") {
  constexpr int kRounds = 8;
  constexpr int kFiles = 200;
  for (int round = 0; round < kRounds; ++round) {
    TempTree tree;
    const auto content = [](int i) { return std::to_string(1000 + i) + std::string(60'000, 'x'); };
    for (int i = 0; i < kFiles; ++i) tree.file("low/bin/" + std::to_string(i), content(i));
    tree.directory("top");
    const auto catalog = open_catalog(tree);
    const auto baseline = catalog->open_image(layers_of(tree, "top", "low")).value();
    REQUIRE(baseline->wait_walked(soon()));
    const int last = kFiles - 1 - round;
    const auto found = baseline->find_content(content(last).size(), hash_of(content(last)), soon()).value();
    REQUIRE(found.has_value());
    CHECK(found->path == "/bin/" + std::to_string(last));
  }
}

TEST_CASE("a layer changed behind Holdfast's back is judged by what was captured, until a rebuild") {
  TempTree tree;
  with_image(tree);
  const auto catalog = open_catalog(tree);
  const auto baseline = catalog->open_image(layers_of(tree, "top", "low")).value();
  complete(*baseline);
  tree.file("low/bin/tool", "evil twin of that tool!");
  tree.file("low/bin/extra", "extra");
  REQUIRE(::unlink((tree / "low/bin/sh").c_str()) == 0);
  REQUIRE(::chmod((tree / "low/lib/libc.so.6").c_str(), 0600) == 0);  // touched only: no difference

  CHECK(!baseline->is_image_code(seen(tree, "low/bin/tool")));
  CHECK(baseline->at_path("/bin/tool").value()->sha256 == hash_of("tool of the lower layer"));

  using What = Difference::What;
  for (const bool write : {false, true}) {
    std::uint64_t total = 0;
    const auto differences = catalog->verify(baseline->id(), write, [&](std::uint64_t, std::uint64_t all) {
      total = all;
      return true;
    });
    REQUIRE(differences.ok());
    CHECK(total == 4);
    REQUIRE(differences->size() == 3);
    CHECK((*differences)[0].path == "/bin/extra");
    CHECK((*differences)[0].what == What::added);
    CHECK((*differences)[1].path == "/bin/sh");
    CHECK((*differences)[1].what == What::removed);
    CHECK((*differences)[2].path == "/bin/tool");
    CHECK((*differences)[2].what == What::changed);
    CHECK((*differences)[2].before == hash_of("tool of the lower layer"));
    CHECK((*differences)[2].after == hash_of("evil twin of that tool!"));
  }
  CHECK(baseline->is_image_code(seen(tree, "low/bin/tool")));
  CHECK(baseline->at_path("/bin/tool").value()->sha256 == hash_of("evil twin of that tool!"));
  CHECK(catalog->verify(baseline->id(), false, nullptr).value().empty());
}

TEST_CASE("an image that no container has is verified from its stored paths, or said to be gone") {
  TempTree tree;
  with_image(tree);
  const auto catalog = open_catalog(tree);
  std::string id;
  {
    const auto baseline = catalog->open_image(layers_of(tree, "top", "low")).value();
    id = baseline->id();
    complete(*baseline);
  }
  wait_until_unused(*catalog);
  CHECK(catalog->verify(id, false, nullptr).value().empty());
  CHECK(catalog->verify(id, false, [](std::uint64_t, std::uint64_t) { return false; }).error().code == ECANCELED);
  std::filesystem::rename(tree / "low", tree / "elsewhere");
  tree.directory("low");
  const auto gone = catalog->verify(id, false, nullptr);
  REQUIRE(!gone.ok());
  CHECK(gone.error().message.find("gone") != std::string::npos);
  CHECK(catalog->files(id).value().size() == 4);
  CHECK(!catalog->verify("unknown", false, nullptr).ok());
}

TEST_CASE("an image is listed and found by its names") {
  TempTree tree;
  with_image(tree);
  const auto catalog = open_catalog(tree);
  const auto baseline = catalog->open_image(layers_of(tree, "top", "low")).value();
  catalog->name_image(baseline->id(), "docker.io/library/app:1", "sha256:abcd");
  CHECK(catalog->resolve("app:1").value() == baseline->id());
  CHECK(catalog->resolve("sha256:abcd").value() == baseline->id());
  CHECK(catalog->resolve(baseline->id().substr(0, 8)).value() == baseline->id());
  CHECK(!catalog->resolve("app:2").ok());
  complete(*baseline);
  const auto list = catalog->list().value();
  REQUIRE(list.size() == 1);
  CHECK(list[0].id == baseline->id());
  CHECK(list[0].state == "complete");
  CHECK(list[0].kind == "layers");
  CHECK(list[0].in_use);
  CHECK(list[0].files == 4);
  CHECK(list[0].bytes == 5 + 23 + 7 + 11);
  CHECK(list[0].names == std::vector<std::string>{"docker.io/library/app:1"});
  CHECK(!list[0].captured.empty());
}

TEST_CASE("pruning spares images in use") {
  TempTree tree;
  with_image(tree);
  const auto catalog = open_catalog(tree);
  auto baseline = catalog->open_image(layers_of(tree, "top", "low")).value();
  complete(*baseline);
  const auto future = std::numeric_limits<std::int64_t>::max();
  CHECK(catalog->prune(future).value() == 0);
  CHECK(catalog->counters().images_stored == 1);
  baseline.reset();
  wait_until_unused(*catalog);
  CHECK(catalog->prune(future).value() == 1);
  CHECK(catalog->counters().images_stored == 0);
}

TEST_CASE("a view that cannot be made fails its baseline and says why") {
  TempTree tree;
  with_image(tree);
  tree.file("plain", "x");
  Layers layers = layers_of(tree, "top", "low");
  layers.lower.push_back(UniqueFd(::open((tree / "plain").c_str(), O_PATH | O_CLOEXEC)));
  std::atomic<int> problems{0};
  const auto catalog = open_catalog(tree, [&](const std::string&) { ++problems; });
  const auto baseline = catalog->open_image(std::move(layers)).value();
  CHECK(!baseline->wait_walked(soon()));
  CHECK(baseline->state() == State::failed);
  CHECK(!baseline->failure().empty());
  CHECK(!baseline->is_image_code(seen(tree, "low/bin/sh")));
  CHECK(!baseline->find_content(5, hash_of("shell"), soon()).ok());
  CHECK(problems > 0);
  CHECK(catalog->counters().captures_failed == 1);
}

TEST_CASE("asking too late is a timeout") {
  TempTree tree;
  with_image(tree);
  const auto catalog = open_catalog(tree);
  const auto baseline = catalog->open_image(layers_of(tree, "top", "low")).value();
  complete(*baseline);
  const auto data = baseline->at_path("/etc/data").value();
  REQUIRE(data.has_value());
  CHECK(baseline->hash(*data, Steady::now() - std::chrono::seconds(1)).error().code == ETIMEDOUT);
}

TEST_CASE("a database on a full disk does not stop a capture, and is reported") {
  if (!test::may_mount()) {
    MESSAGE("skipped: mounting needs root");
    return;
  }
  TempTree tree;
  for (int i = 0; i < 3000; ++i) tree.file("low/bin/" + std::to_string(i), std::to_string(i));
  tree.directory("top");
  const std::string small = tree.directory("small");
  const auto done = kernel::run_in_mount_namespace(-1, [&]() -> Result<void> {
    if (auto entered = kernel::enter_private_mount_namespace(); !entered) return entered;
    if (::mount("tmpfs", small.c_str(), "tmpfs", 0, "size=256k") != 0) return errno_error("mount");
    std::mutex mutex;
    std::vector<std::string> problems;
    auto catalog = Catalog::open({small + "/b.db", 2, [&](const std::string& problem) {
                                    const std::lock_guard lock(mutex);
                                    problems.push_back(problem);
                                  }});
    if (!catalog) return catalog.error();
    Layers layers = layers_of(tree, "top", "low");
    // This thread's namespace is a copy: the layers were opened in it.
    layers.mount_namespace = UniqueFd(::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC));
    const auto baseline = (*catalog)->open_image(std::move(layers)).value();
    CHECK(complete(*baseline).size() == 3000);
    CHECK(baseline->is_image_code(seen(tree, "low/bin/7")));
    CHECK((*catalog)->counters().captures_failed == 1);
    const std::lock_guard lock(mutex);
    CHECK(std::any_of(problems.begin(), problems.end(),
                      [](const std::string& problem) { return problem.find("full") != std::string::npos; }));
    return {};
  });
  CHECK_MESSAGE(done.ok(), (done.ok() ? "" : done.error().message));
}

TEST_CASE("opening an image costs its caller less than a millisecond, seventy layers or not") {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  constexpr auto kMost = std::chrono::milliseconds(10);  // every access to memory is looked at there
#else
  constexpr auto kMost = std::chrono::milliseconds(1);
#endif
  TempTree tree;
  for (int i = 0; i < 70; ++i) tree.file("layer" + std::to_string(i) + "/bin/t" + std::to_string(i), "x");
  const auto catalog = open_catalog(tree);
  auto best = Steady::duration::max();
  std::shared_ptr<Baseline> baseline;
  for (int round = 0; round < 20; ++round) {
    Layers layers;
    for (int i = 0; i < 70; ++i) layers.lower.push_back(test::open_directory(tree / ("layer" + std::to_string(i))));
    const auto start = Steady::now();
    baseline = catalog->open_image(std::move(layers)).value();
    best = std::min(best, Steady::now() - start);
  }
  CHECK(best < kMost);
  CHECK(complete(*baseline).size() == 70);
}

TEST_CASE("a baseline outlives its catalog") {
  TempTree tree;
  with_image(tree);
  std::shared_ptr<Baseline> baseline;
  {
    const auto catalog = open_catalog(tree);
    baseline = catalog->open_image(layers_of(tree, "top", "low")).value();
    complete(*baseline);
  }
  CHECK(baseline->is_image_code(seen(tree, "low/bin/sh")));
  CHECK(baseline->at_path("/bin/sh").value().has_value());
}
