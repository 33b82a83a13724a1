#include "../../src/baseline/image_view.h"

#include <sched.h>

#include <fstream>
#include <latch>
#include <thread>

#include <doctest/doctest.h>

#include "../../src/baseline/hasher.h"
#include "../../src/baseline/inventory.h"
#include "../../src/baseline/path_open.h"
#include "overlay_lab.h"

using namespace holdfast;
using namespace holdfast::baseline;
using test::layers_of;
using test::TempTree;

namespace {

constexpr ViewMethod kMethods[] = {ViewMethod::descriptors, ViewMethod::names, ViewMethod::classic};
const StopCode kNever = [] { return 0; };

bool ships(const ImageView& view, const std::string& path) { return view.regular_file(path).value().has_value(); }

std::string content(const ImageView& view, const std::string& path) {
  const auto file = open_beneath(view.root(), path, O_RDONLY).value();
  std::string text(100, '\0');
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::read(file.get(), text.data(), text.size()))));
  return text;
}

/// The methods that this kernel has; every test below must hold for each.
template <class Work>
void with_each_method(const std::function<Layers()>& make_layers, const Work& work) {
  if (!test::may_mount()) {
    MESSAGE("skipped: mounting needs root");
    return;
  }
  int worked = 0;
  for (const ViewMethod method : kMethods) {
    auto view = ImageView::make_by(make_layers(), method);
    if (!view) {
      MESSAGE("skipped: method " << static_cast<int>(method) << ": " << view.error().message);
      continue;
    }
    ++worked;
    CAPTURE(static_cast<int>(method));
    work(*view);
  }
  CHECK(worked > 0);
}

}  // namespace

TEST_CASE("the view is the image: upper layers win, whiteouts hide, opaque directories cover") {
  const TempTree tree;
  tree.file("low/bin/a", "low a");
  tree.file("low/bin/gone", "x");
  tree.file("low/dir/hidden", "x");
  tree.file("low/keep/kept", "x");
  tree.file("top/bin/a", "top a");
  tree.whiteout("top/bin/gone");
  tree.file("top/dir/new", "x");
  tree.opaque("top/dir");
  with_each_method(
      [&] { return layers_of(tree, "top", "low"); },
      [&](const ImageView& view) {
        CHECK(content(view, "/bin/a") == "top a");
        CHECK(view.regular_file("/bin/a").value()->identity == identity_of(test::stat_of(tree / "top/bin/a")));
        CHECK(!ships(view, "/bin/gone"));
        CHECK(!ships(view, "/dir/hidden"));
        CHECK(ships(view, "/dir/new"));
        CHECK(view.regular_file("/keep/kept").value()->identity == identity_of(test::stat_of(tree / "low/keep/kept")));
        CHECK(walk(view.root(), {}, kNever).value().table->size() == 3);
        CHECK(view.facts().file_system != 0);
      });
}

TEST_CASE("the view cannot be written, and is in no mount table") {
  const TempTree tree;
  tree.file("low/tool", "x");
  tree.directory("top");
  with_each_method([&] { return layers_of(tree, "top", "low"); },
                   [&](const ImageView& view) {
                     const auto opened = open_beneath(view.root(), "/tool", O_WRONLY);
                     REQUIRE(!opened.ok());
                     CHECK(opened.error().code == EROFS);
                     std::ifstream table("/proc/self/mountinfo");
                     const std::string text((std::istreambuf_iterator<char>(table)), {});
                     CHECK(text.find("holdfast-view") == std::string::npos);
                     CHECK(text.find(tree.path()) == std::string::npos);
                   });
}

TEST_CASE("a container's untouched file has the same identity in the view, a touched one does not") {
  if (!test::may_mount()) {
    MESSAGE("skipped: mounting needs root");
    return;
  }
  const TempTree tree;
  tree.file("l1/bin/kept", "kept");
  tree.file("l1/bin/touched", "touched");
  tree.directory("l2");
  tree.directory("up");
  tree.directory("work");
  const auto view = ImageView::make(layers_of(tree, "l2", "l1")).value();
  test::with_overlay(
      tree, "lowerdir=" + tree / "l2" + ":" + tree / "l1" + ",upperdir=" + tree / "up" + ",workdir=" + tree / "work",
      [&](const std::string& merged) {
        CHECK(::chmod((merged + "/bin/touched").c_str(), 0711) == 0);
        const auto kept = identity_of(test::stat_of(merged + "/bin/kept"));
        const auto touched = identity_of(test::stat_of(merged + "/bin/touched"));
        CHECK(view.regular_file("/bin/kept").value()->identity == kept);
        CHECK(view.regular_file("/bin/touched").value()->identity != touched);
        CHECK(view.regular_file("/bin/touched").value()->identity.inode == touched.inode);
      });
}

TEST_CASE("renamed directories and metadata-only copies of a layer read as the container reads them") {
  if (!test::may_mount()) {
    MESSAGE("skipped: mounting needs root");
    return;
  }
  const TempTree tree;
  tree.file("low/old/tool", "tool's bytes");
  tree.file("low/bin/meta", "meta's bytes", 0644);
  tree.directory("low2");
  tree.directory("up");
  tree.directory("work");
  test::with_overlay(tree,
                     "lowerdir=" + tree / "low" + ",upperdir=" + tree / "up" + ",workdir=" + tree / "work" +
                         ",redirect_dir=on,metacopy=on",
                     [&](const std::string& merged) {
                       CHECK(::rename((merged + "/old").c_str(), (merged + "/new").c_str()) == 0);
                       CHECK(::chmod((merged + "/bin/meta").c_str(), 0755) == 0);
                     });
  REQUIRE(::getxattr((tree / "up/bin/meta").c_str(), "trusted.overlay.metacopy", nullptr, 0) >= 0);
  const auto with_options = [&] {
    auto layers = layers_of(tree, "low2", "up", "low");
    layers.metacopy = true;
    layers.redirect_dir = "on";
    return layers;
  };
  with_each_method(with_options, [&](const ImageView& view) {
    CHECK(content(view, "/new/tool") == "tool's bytes");
    CHECK(!ships(view, "/old/tool"));
    CHECK(content(view, "/bin/meta") == "meta's bytes");
    CHECK(view.regular_file("/bin/meta").value()->executable);
  });
}

TEST_CASE("a data-only layer gives its bytes and no names") {
  const TempTree tree;
  tree.file("data/blob", "0123456789", 0644);
  tree.directory("low");
  const std::string meta = tree.file("top/bin/tool", "");
  REQUIRE(::truncate(meta.c_str(), 10) == 0);
  if (::setxattr(meta.c_str(), "trusted.overlay.metacopy", "", 0, 0) != 0 ||
      ::setxattr(meta.c_str(), "trusted.overlay.redirect", "/blob", 5, 0) != 0) {
    MESSAGE("skipped: no trusted extended attributes on /tmp");
    return;
  }
  const auto with_data = [&] {
    auto layers = layers_of(tree, "top", "low");
    layers.data.push_back(test::open_directory(tree / "data"));
    layers.metacopy = true;
    return layers;
  };
  with_each_method(with_data, [&](const ImageView& view) {
    CHECK(content(view, "/bin/tool") == "0123456789");
    CHECK(!ships(view, "/blob"));
  });
}

TEST_CASE("an image of one layer is that directory") {
  const TempTree tree;
  tree.file("only/bin/tool", "x");
  with_each_method(
      [&] { return layers_of(tree, "only"); },
      [&](const ImageView& view) {
        CHECK(view.regular_file("/bin/tool").value()->identity == identity_of(test::stat_of(tree / "only/bin/tool")));
        CHECK(walk(view.root(), {}, kNever).value().table->size() == 1);
      });
}

TEST_CASE("an image of seventy layers is merged") {
  const TempTree tree;
  for (int i = 0; i < 70; ++i) {
    tree.file("layer" + std::to_string(i) + "/bin/tool" + std::to_string(i), "x");
    tree.file("layer" + std::to_string(i) + "/bin/shared", std::to_string(i));
  }
  const auto seventy = [&] {
    Layers layers;
    for (int i = 0; i < 70; ++i) layers.lower.push_back(test::open_directory(tree / ("layer" + std::to_string(i))));
    return layers;
  };
  with_each_method(seventy, [&](const ImageView& view) {
    CHECK(content(view, "/bin/shared") == "0");
    CHECK(walk(view.root(), {}, kNever).value().table->size() == 71);
  });
}

TEST_CASE("layers of another mount namespace are merged there") {
  if (!test::may_mount()) {
    MESSAGE("skipped: mounting needs root");
    return;
  }
  const TempTree tree;
  const std::string place = tree.directory("place");
  Layers layers;
  std::latch opened(1);
  std::latch finished(1);
  // Holds a namespace with a tmpfs of its own, as a rootless runtime's.
  std::jthread holder([&] {
    const bool mounted = ::unshare(CLONE_FS | CLONE_NEWNS) == 0 &&
                         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         ::mount("tmpfs", place.c_str(), "tmpfs", 0, nullptr) == 0;
    if (mounted) {
      tree.file("place/top/bin/a", "a");
      tree.file("place/low/bin/b", "b");
      layers = layers_of(tree, "place/top", "place/low");
      layers.mount_namespace = UniqueFd(::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC));
    }
    opened.count_down();
    finished.wait();
  });
  opened.wait();
  const bool ready = layers.lower.size() == 2;
  if (ready) {
    for (const ViewMethod method : kMethods) {
      CAPTURE(static_cast<int>(method));
      const auto view = ImageView::make_by(layers, method);
      CHECK_MESSAGE(view.ok(), (view.ok() ? "" : view.error().message));
      if (view) CHECK(content(*view, "/bin/a") == "a");
      if (view) CHECK(content(*view, "/bin/b") == "b");
    }
  }
  finished.count_down();
  CHECK(ready);
}

TEST_CASE("asked for a directory, a symlink, or what lies behind one, the view has no regular file there") {
  const TempTree tree;
  tree.file("top/usr/bin/tool", "x");
  tree.directory("low");
  REQUIRE(::symlink("usr/bin", (tree / "top/bin").c_str()) == 0);
  REQUIRE(::symlink("tool", (tree / "top/usr/bin/alias").c_str()) == 0);
  with_each_method(
      [&] { return layers_of(tree, "top", "low"); },
      [&](const ImageView& view) {
        CHECK(ships(view, "/usr/bin/tool"));
        for (const char* path : {"/usr/bin", "/bin/tool", "/usr/bin/alias", "/", "", "/none", "/usr/bin/tool/"}) {
          CAPTURE(path);
          CHECK(!ships(view, path));
        }
        CHECK(!ships(view, std::string("/usr/bin/tool\0x", 15)));
      });
}

TEST_CASE("the same layers have one key, any other order or directory has another") {
  const TempTree tree;
  tree.directory("a");
  tree.directory("b");
  tree.directory("c");
  const auto key = image_key(layers_of(tree, "a", "b")).value();
  CHECK(key.size() == 64);
  CHECK(image_key(layers_of(tree, "a", "b")).value() == key);
  CHECK(image_key(layers_of(tree, "b", "a")).value() != key);
  CHECK(image_key(layers_of(tree, "a", "c")).value() != key);
  CHECK(image_key(layers_of(tree, "a")).value() != key);
  auto with_data = layers_of(tree, "a");
  with_data.data.push_back(test::open_directory(tree / "b"));
  CHECK(image_key(with_data).value() != key);
  CHECK(!image_key({}).ok());
}
