#include "holdfast/baseline/archive.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "../base/has.h"
#include "image_maker.h"

using namespace holdfast;
using namespace holdfast::baseline;
using test::has;
using test::LayoutMaker;
using test::TarMaker;
using test::TempTree;

namespace {

std::string paths_of(const ImageListing& listing) {
  std::string text;
  for (const auto& file : listing.files) text += (text.empty() ? "" : " ") + file.path;
  return text;
}

/// The files of an image of these layers, or what is said of it.
std::string files_of(const std::vector<std::string>& layers) {
  const TempTree tree;
  LayoutMaker layout;
  layout.add(layout.image(layers));
  const auto listing = read_archive(layout.write(tree, "image"), {});
  return listing ? paths_of(*listing) : listing.error().message;
}
std::string files_of(const TarMaker& layer) { return files_of(std::vector{layer.bytes()}); }

/// What is said of an archive that is refused; the path is left out.
std::string refusal(const std::string& path, const ArchiveOptions& options = {}) {
  const auto listing = read_archive(path, options);
  REQUIRE(!listing);
  REQUIRE(listing.error().message.starts_with(path + ": "));
  return listing.error().message.substr(path.size() + 2);
}
std::string refusal(LayoutMaker& layout, const ArchiveOptions& options = {}) {
  const TempTree tree;
  return refusal(layout.write(tree, "image"), options);
}

}  // namespace

TEST_CASE("an archive's files have size, mode and hash; data files are left out") {
  const TempTree tree;
  LayoutMaker layout;
  const std::string layer = TarMaker()
                                .file("bin/a", "program", 04755)
                                .file("etc/b", "data", 0644)
                                .file("lib/c.so.1", "library", 0644)
                                .bytes();
  layout.add(layout.image({layer}, R"(,"annotations":{"org.opencontainers.image.ref.name":"localhost/app:1"})"));
  const auto listing = read_archive(layout.write(tree, "image"), {});
  REQUIRE(listing);
  REQUIRE(paths_of(*listing) == "/bin/a /lib/c.so.1");
  CHECK(listing->files[0].size == 7);
  CHECK(listing->files[0].mode == 04755);
  CHECK(to_hex(*listing->files[0].sha256) == test::sha256_of("program"));
  CHECK(listing->names == std::vector<std::string>{"localhost/app:1"});
  CHECK(listing->platform == "linux/amd64");
  CHECK(listing->kind == "archive");
  CHECK(listing->id == content_of(*listing));
  CHECK(listing->digests.size() == 1);

  // The same from a tar of it.
  const auto again = read_archive(tree.file("image.tar", layout.tar(), 0644), {});
  REQUIRE(again);
  CHECK(again->files == listing->files);
  CHECK(again->digests == listing->digests);
}

TEST_CASE("a docker archive is verified by the names in it") {
  const TempTree tree;
  const std::string layer = TarMaker().file("bin/a", "program").bytes();
  const std::string config = LayoutMaker::config({layer, layer});
  const auto make = [&](const std::string& config_name, const std::string& layer_bytes) {
    const std::string manifest = fmt::format(
        R"([{{"Config":"{}","RepoTags":["app:1"],"Layers":["one/layer.tar","two/layer.tar"]}}])", config_name);
    return TarMaker()
        .file("one/layer.tar", layer_bytes, 0644)
        .symlink("two/layer.tar", "../one/layer.tar")  // as `docker save` writes a layer that comes twice
        .file(config_name, config, 0644)
        .file("manifest.json", manifest, 0644)
        .bytes();
  };
  const std::string name = test::sha256_of(config) + ".json";
  const auto listing = read_archive(tree.file("good.tar", make(name, layer)), {});
  REQUIRE_MESSAGE(listing, listing.error().message);
  CHECK(paths_of(*listing) == "/bin/a");
  CHECK(listing->names == std::vector<std::string>{"app:1"});
  CHECK(has(refusal(tree.file("a.tar", make(std::string(64, 'a') + ".json", layer))), "not what its digest says"));
  CHECK(has(refusal(tree.file("b.tar", make("config.json", layer))), "not named by its digest"));
  CHECK(has(refusal(tree.file("c.tar", make(name, TarMaker().file("bin/a", "other").bytes()))),
            "one/layer.tar: the tar in it is not what the image's configuration says"));
}

TEST_CASE("layers are laid upon each other as overlayfs does") {
  const std::string below =
      TarMaker().file("a/one", "1").file("a/two", "2").file("b/three", "3").file("c", "4").file("d/five", "5").bytes();
  CHECK(files_of({below, TarMaker().file("a/.wh.one", "").bytes()}) == "/a/two /b/three /c /d/five");
  CHECK(files_of({below, TarMaker().file("a/.wh..wh..opq", "").file("a/new", "n").bytes()}) ==
        "/a/new /b/three /c /d/five");
  CHECK(files_of({below, TarMaker().file("a/new", "n").file("a/.wh..wh..opq", "").bytes()}) ==
        "/a/new /b/three /c /d/five");
  CHECK(files_of({below, TarMaker().file("a", "file").bytes()}) == "/a /b/three /c /d/five");
  CHECK(files_of({below, TarMaker().folder("c").file("c/in", "i").bytes()}) == "/a/one /a/two /b/three /c/in /d/five");
  CHECK(files_of({below, TarMaker().symlink("d", "a").bytes()}) == "/a/one /a/two /b/three /c");
  CHECK(files_of({below, TarMaker().file(".wh..wh..opq", "").file("only", "o").bytes()}) == "/only");
  CHECK(files_of({below, TarMaker().entry("c", '3').bytes()}) == "/a/one /a/two /b/three /d/five");  // a device 0/0
  CHECK(files_of({below, TarMaker().file(".wh.a", "").bytes(), TarMaker().file("a/again", "g").bytes()}) ==
        "/a/again /b/three /c /d/five");
  CHECK(files_of({TarMaker().file(".wh..wh.plnk/1", "x").file(".wh..wh.aufs", "x").file("y", "y").bytes()}) == "/y");
}

TEST_CASE("names in a layer are cleaned, contained, or refused") {
  CHECK(files_of(TarMaker().file("./a//b/../c", "1").file("/abs", "2").file("/../up", "3")) == "/a/c /abs /up");
  CHECK(has(files_of(TarMaker().file("../a", "1")), "its name leaves the image"));
  CHECK(has(files_of(TarMaker().file("a/../../b", "1")), "its name leaves the image"));
  CHECK(files_of(TarMaker().symlink("way", "/../../etc").file("way/x", "1")) == "/etc/x");
  CHECK(files_of(TarMaker().folder("a").symlink("a/up", "../../../b").file("a/up/x", "1")) == "/b/x");
  CHECK(has(files_of(TarMaker().symlink("a", "b").symlink("b", "a").file("a/x", "1")), "too many symbolic links"));
  CHECK(has(files_of(TarMaker().file("a", "1").file("a/b", "2")), "no directory in the layer"));
  CHECK(has(files_of(TarMaker().file("a", "1").file(".wh.a", "")), "deletes what the same layer has added"));
  CHECK(has(files_of(TarMaker().file(".wh.", "")), "deletes nothing"));
  CHECK(has(files_of(TarMaker().file(".wh...", "")), "deletes nothing"));
}

TEST_CASE("hard links share content and mode, and must have a target in their layer") {
  CHECK(files_of(TarMaker().file("a", "1", 0644).hard_link("b", "a", 0755)) == "/a /b");
  CHECK(files_of(TarMaker().file("a", "1", 0644).hard_link("c.so", "a", 0644)) == "/c.so");
  CHECK(files_of(TarMaker().folder("d").symlink("l", "d").file("d/a", "1").hard_link("b", "l/a")) == "/b /d/a");
  CHECK(has(files_of({TarMaker().file("a", "1").bytes(), TarMaker().hard_link("b", "a").bytes()}),
            "a link to a file that the layer does not have"));
  CHECK(has(files_of(TarMaker().hard_link("a", "a")), "a link to a file that the layer does not have"));
  CHECK(has(files_of(TarMaker().file("a", "1").hard_link("a", "a")), "a link to a file"));
  CHECK(has(files_of(TarMaker().folder("d").hard_link("a", "d")), "a hard link to a directory"));
  CHECK(has(files_of(TarMaker().hard_link("a", "../../etc/passwd")), "its name leaves the image"));
}

TEST_CASE("one image of several is chosen by platform or name") {
  const TempTree tree;
  LayoutMaker layout;
  const auto one = [&](const char* file, const char* platform, const char* architecture) {
    return layout.image({TarMaker().file(file, "1").bytes()}, platform, architecture);
  };
  const std::string amd = one("amd", R"(,"platform":{"os":"linux","architecture":"amd64"})", "amd64");
  const std::string arm = one("arm", R"(,"platform":{"os":"linux","architecture":"arm64","variant":"v8"})", "arm64");
  const std::string attestation = one("no", R"(,"platform":{"os":"unknown","architecture":"unknown"})", "unknown");
  layout.add(layout.blob(R"({"manifests":[)" + amd + "," + arm + "," + attestation + "]}", LayoutMaker::kIndex,
                         R"(,"annotations":{"io.containerd.image.name":"registry/app:1"})"));
  const std::string path = layout.write(tree, "many");
  const auto chosen = [&](const ArchiveOptions& options) {
    const auto listing = read_archive(path, options);
    return listing ? paths_of(*listing) : listing.error().message;
  };
  CHECK(chosen({"linux/amd64", "", {}}) == "/amd");
  CHECK(chosen({"linux/arm64", "", {}}) == "/arm");
  CHECK(chosen({"linux/arm64/v8", "app:1", {}}) == "/arm");
  CHECK(chosen({host_platform(), "", {}}) == chosen({}));
  CHECK(has(chosen({"linux/arm64/v9", "", {}}),
            "it has no image for linux/arm64/v9, but registry/app:1 for linux/amd64"));
  CHECK(has(chosen({"linux/amd64", "other", {}}), "it has no image 'other'"));
  CHECK(has(chosen({"amd64", "", {}}), "is no platform"));
  CHECK(has(chosen({"linux/", "", {}}), "is no platform"));
  CHECK(has(chosen({"a/b/c/d", "", {}}), "is no platform"));

  LayoutMaker two;
  two.add(two.image({TarMaker().file("x", "1").bytes()}));
  two.add(two.image({TarMaker().file("y", "2").bytes()}));
  CHECK(has(refusal(two, {"linux/amd64", "", {}}), "several images"));
  LayoutMaker foreign;
  foreign.add(foreign.image({TarMaker().file("x", "1").bytes()}, "", "s390x"));
  const auto only = read_archive(foreign.write(tree, "foreign"), {});
  REQUIRE(only);
  CHECK(only->platform == "linux/s390x");
  CHECK(has(refusal(tree / "foreign", {"linux/amd64", "", {}}), "no image for linux/amd64"));
}

TEST_CASE("every blob must be what its digest says") {
  const std::string layer = TarMaker().file("a", "1").bytes();
  const auto spoiled = [&](const std::string& blob, const std::string& content) {
    LayoutMaker layout;
    layout.add(layout.image({layer}));
    REQUIRE(layout.members.contains("blobs/sha256/" + blob));
    layout.members["blobs/sha256/" + blob] = content;
    return refusal(layout);
  };
  const std::string config = LayoutMaker::config({layer});
  CHECK(has(spoiled(test::sha256_of(layer), TarMaker().file("a", "2").bytes()), "not what its digest says"));
  CHECK(has(spoiled(test::sha256_of(layer), layer + std::string(512, '\0')), "not of the size"));
  CHECK(has(spoiled(test::sha256_of(config), LayoutMaker::config({layer}, "arm64")), "not what its digest says"));
  CHECK(has(spoiled(test::sha256_of(config), config + " "), "not of the size"));

  LayoutMaker lying;  // right digests, but the configuration is another image's
  const std::string other = TarMaker().file("a", "2").bytes();
  lying.add(lying.manifest(lying.blob(LayoutMaker::config({other}), LayoutMaker::kConfig),
                           lying.blob(layer, "application/vnd.oci.image.layer.v1.tar")));
  CHECK(has(refusal(lying), "not what the image's configuration says"));
}

TEST_CASE("what is no image archive gets one clear sentence") {
  const TempTree tree;
  CHECK(has(refusal(tree / "absent"), "No such file"));
  CHECK(has(refusal(tree.file("empty", "")), "neither an OCI image layout"));
  CHECK(has(refusal(tree.file("text", "just text\n")), "Unrecognized archive format"));
  CHECK(has(refusal(tree.directory("folder")), "neither an OCI image layout"));
  CHECK(has(refusal(tree.file("rootfs.tar", TarMaker().file("bin/sh", "x").bytes())), "neither an OCI image layout"));
  CHECK(has(refusal("/dev/null"), "neither a directory nor a regular file"));

  const auto with_index = [&](const std::string& index) {
    LayoutMaker layout;
    layout.members["index.json"] = index;
    return refusal(layout);
  };
  CHECK(has(with_index("{"), "index.json: it is not valid JSON"));
  CHECK(has(with_index("[]"), "index.json: it is no JSON object"));
  CHECK(has(with_index("{}"), R"(it has no "manifests")"));
  CHECK(has(with_index(R"({"manifests":[]})"), "it has no image"));
  CHECK(has(with_index(R"({"manifests":[{"digest":"sha256:zz","size":1}]})"), "no SHA-256 digest"));
  CHECK(has(with_index(R"({"manifests":[{"digest":"sha512:00","size":1}]})"), "no SHA-256 digest"));
  CHECK(has(with_index(R"({"manifests":)" + std::string(100, '[') + std::string(100, ']') + "}"), "not valid JSON"));
  CHECK(has(with_index(R"({"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:)" +
                       std::string(64, '0') + R"(","size":2}]})"),
            "is missing"));
  CHECK(has(with_index(R"({"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:)" +
                       std::string(64, '0') + R"(","size":-2}]})"),
            "no number of bytes"));
}

TEST_CASE("damaged and hostile layers are refused") {
  const std::string layer = TarMaker().file("a", std::string(2000, 'x')).bytes();
  CHECK(has(files_of({layer.substr(0, 1000)}), "runcated"));
  CHECK(has(files_of({std::string(5000, 'z')}), "Unrecognized archive format"));
  CHECK(files_of({std::string()}).empty());
  CHECK(files_of({std::string(1024, '\0')}).empty());

  LayoutMaker unknown;
  unknown.add(unknown.manifest(unknown.blob(LayoutMaker::config({layer}), LayoutMaker::kConfig),
                               unknown.blob(layer, "application/vnd.oci.image.layer.v1.tar+encrypted")));
  CHECK(has(refusal(unknown), "of a type that Holdfast does not read"));
  LayoutMaker fewer;
  fewer.add(fewer.manifest(fewer.blob(LayoutMaker::config({layer, layer}), LayoutMaker::kConfig),
                           fewer.blob(layer, "application/vnd.oci.image.layer.v1.tar")));
  CHECK(has(refusal(fewer), "has 2 layers where its manifest has 1"));

  std::string deep = "d";
  for (int i = 0; i < 30; ++i) deep += "/d";
  CHECK(files_of(TarMaker().file(deep + "/x", "1")) == "/" + deep + "/x");
}

TEST_CASE("symbolic links in a layout directory are not followed") {
  const TempTree tree;
  LayoutMaker layout;
  const std::string layer = TarMaker().file("a", "1").bytes();
  layout.add(layout.image({layer}));
  const std::string path = layout.write(tree, "image");
  const std::string blob = path + "/blobs/sha256/" + test::sha256_of(layer);
  std::filesystem::rename(blob, tree / "elsewhere");
  std::filesystem::create_symlink(tree / "elsewhere", blob);
  const auto listing = read_archive(path, {});
  CHECK(!listing);
}

TEST_CASE("reading an archive can be stopped, and tells how far it is") {
  const TempTree tree;
  LayoutMaker layout;
  const std::string layer = TarMaker().file("a", std::string(1'000'000, 'x')).bytes();
  layout.add(layout.image({layer}));
  const std::string path = layout.write(tree, "image");
  std::uint64_t last = 0;
  const auto listing = read_archive(path, {"", "", [&](std::uint64_t done, std::uint64_t all) {
                                             CHECK(all == layer.size());
                                             CHECK(done >= last);
                                             last = done;
                                             return true;
                                           }});
  CHECK(listing.ok());
  CHECK(last == layer.size());
  const auto stopped = read_archive(path, {"", "", [](std::uint64_t, std::uint64_t) { return false; }});
  REQUIRE(!stopped);
  CHECK(stopped.error().code == ECANCELED);
}
