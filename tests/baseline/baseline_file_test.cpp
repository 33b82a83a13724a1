#include "holdfast/baseline/baseline_file.h"

#include <cerrno>

#include <doctest/doctest.h>

#include "../../src/baseline/hasher.h"
#include "../base/has.h"
#include "temp_tree.h"

using namespace holdfast;
using namespace holdfast::baseline;
using test::has;
using test::TempTree;

namespace {

ListedFile file(const std::string& path, const std::string& content, mode_t mode = 0755) {
  return {path, content.size(), mode, hash_bytes(content)};
}

ImageListing image() {
  ImageListing out{std::string(64, 'a'), "layers", {"app:1"}, {"sha256:1"}, "linux/amd64", {}};
  out.files = {file("/bin/a", "1"), file("/bin/line\nbreak \xff", "2"), {"/bin/unread", 3, 04755, std::nullopt}};
  return out;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

std::string text_refusal(const std::string& text) {
  const auto images = parse_baseline_text(text);
  REQUIRE(!images);
  return images.error().message;
}

}  // namespace

TEST_CASE("a baseline file gives back what was written") {
  const TempTree tree;
  ImageListing empty{std::string(64, 'b'), "archive", {}, {}, "", {}};
  REQUIRE(write_baseline_file(tree / "file", {image(), empty}));
  const auto read = read_baseline_file(tree / "file");
  REQUIRE_MESSAGE(read, read.error().message);
  REQUIRE(read->size() == 2);
  CHECK((*read)[0].files == image().files);
  CHECK((*read)[0].names == image().names);
  CHECK((*read)[0].digests == image().digests);
  CHECK((*read)[0].platform == "linux/amd64");
  CHECK((*read)[1].kind == "archive");
  CHECK(baseline_text(*read) == baseline_text({image(), empty}));
  CHECK(std::distance(std::filesystem::directory_iterator(tree.path()), {}) == 1);
}

TEST_CASE("a file that cannot be written leaves nothing behind, and the old one as it was") {
  const TempTree tree;
  const auto failed = write_baseline_file(tree / "absent/file", {image()});
  REQUIRE(!failed);
  CHECK(has(failed.error().message, "No such file or directory"));
  tree.directory("folder/in");
  CHECK(!write_baseline_file(tree / "folder", {image()}));
  CHECK(std::distance(std::filesystem::directory_iterator(tree.path()), {}) == 1);
}

TEST_CASE("a baseline file that was changed anywhere is refused, and the line is named") {
  const std::string good = baseline_text({image()});
  REQUIRE(parse_baseline_text(good));
  CHECK(has(text_refusal(""), "no baseline file"));
  CHECK(has(text_refusal("{}"), "no baseline file"));
  CHECK(has(text_refusal(replaced(good, "\"holdfast_baseline\":1", "\"holdfast_baseline\":2")),
            "line 1: the file has format 2"));
  CHECK(has(text_refusal(replaced(good, "/bin/a", "/bin/b")), "not those that its \"content\" stands for"));
  CHECK(has(text_refusal(replaced(good, "\"mode\":\"0755\"", "\"mode\":\"0777\"")), "\"content\""));
  CHECK(has(text_refusal(replaced(good, "\"mode\":\"0755\"", "\"mode\":\"755\"")), "line 3: \"mode\""));
  CHECK(has(text_refusal(replaced(good, "\"mode\":\"0755\"", "\"mode\":\"10755\"")), "line 3: \"mode\""));
  CHECK(has(text_refusal(replaced(good, "/bin/a", "/bin/../a")), "no path of a file"));
  CHECK(has(text_refusal(replaced(good, "/bin/a", "bin/a")), "no path of a file"));
  CHECK(has(text_refusal(replaced(good, "/bin/a", "/bin/z")), "not in order"));
  CHECK(has(text_refusal(replaced(good, "\"size\":1", "\"size\":-1")), "no whole number"));
  CHECK(has(text_refusal(replaced(good, "\"size\":1", "\"size\":1,\"more\":1")), "\"more\" is not known here"));
  CHECK(has(text_refusal(replaced(good, "\"kind\":\"layers\"", "\"kind\":\"other\"")), "line 2: \"kind\""));
  CHECK(has(text_refusal(replaced(good, "\\\\xff", "\\\\xFF")), "it is not escaped"));
  CHECK(has(text_refusal(replaced(good, "\"files\":3", "\"files\":4")), "there is no \"path\""));
  CHECK(has(text_refusal(replaced(good, "\"images\":1", "\"images\":2")), "there is no \"image\""));
  CHECK(has(text_refusal(replaced(good, "{\"end\":3}", "{\"end\":4}")), "end is not where it says"));
  CHECK(has(text_refusal(good + "{}\n"), "end is not where it says"));
  for (std::size_t size = 0; size < good.size(); ++size) REQUIRE(!parse_baseline_text(good.substr(0, size)));
}

TEST_CASE("two listings are compared by path: what came, went, changed in content or mode") {
  ImageListing a = image();
  ImageListing b = image();
  CHECK(compare(a, b).size() == 1);  // one content that nobody knows
  a.files.pop_back();
  b.files.pop_back();
  CHECK(compare(a, b).empty());
  b.files[0] = file("/bin/a", "other");
  b.files[1].mode = 04755;
  b.files.push_back(file("/bin/new", "n"));
  b.files.push_back(file("/etc/data", "d", 0644));  // only a snapshot would have it
  a.files.insert(a.files.begin(), file("/a", "gone"));
  const auto differences = compare(a, b);
  REQUIRE(differences.size() == 4);
  CHECK((differences[0].before && !differences[0].after));
  CHECK((differences[1].before && differences[1].after));
  CHECK(differences[2].after->mode == 04755);
  CHECK((!differences[3].before && differences[3].after->path == "/bin/new"));
  CHECK(compare(a, a).empty());
}
