// Commands on baselines, with the real program: files, and a service of the test's own.

#include <algorithm>
#include <fstream>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "holdfast/baseline/baseline_file.h"
#include "holdfast/control/server.h"

#include "../base/has.h"
#include "../control/temp_directory.h"
#include "program.h"

using namespace holdfast;
using baseline::ImageListing;
using test::has;

namespace {

ImageListing image(const std::string& name, const std::vector<std::string>& paths) {
  ImageListing out{std::string(64, 'a'), "archive", {name}, {}, "linux/amd64", {}};
  for (const auto& path : paths) out.files.push_back({path, 5, 0755, Sha256{}});
  return out;
}

}  // namespace

TEST_CASE("baseline diff compares files without a service and is a finding if they differ") {
  const TempDirectory directory;
  const std::string one = directory / "one";
  const std::string two = directory / "two";
  const std::string none = directory / "no.sock";
  REQUIRE(baseline::write_baseline_file(one, {image("a:1", {"/bin/a", "/bin/gone\n"})}));
  REQUIRE(baseline::write_baseline_file(two, {image("a:2", {"/bin/a", "/bin/new"}), image("b:1", {"/bin/a"})}));

  const auto same = run_holdfast({"baseline", "diff", one, one, "--socket", none});
  CHECK(same.status == 0);
  CHECK(same.out == "0 differences\n");
  const auto differ = run_holdfast({"baseline", "diff", one, two, "--image-b", "a:2"});
  CHECK(differ.status == 1);
  CHECK(has(differ.out, "removed  /bin/gone\\x0a  (000000000000, mode 0755, 5 B)\n"));
  CHECK(has(differ.out, "2 differences: 1 added, 1 removed, 0 changed\n"));
  const auto script = run_holdfast({"baseline", "diff", one, two, "--image-b", "a:2", "--json"});
  CHECK(script.status == 1);
  const auto document = boost::json::parse(script.out);
  CHECK(document.at("differences").as_array().size() == 2);
  CHECK(document.at("differences").at(1).at("what") == "added");
  CHECK(document.at("differences").at(1).at("after").at("mode") == "0755");

  const auto which = run_holdfast({"baseline", "diff", one, two});
  CHECK(which.status == 2);
  CHECK(has(which.err, "has 2 images"));
  std::ofstream(two, std::ios::app) << "more\n";
  CHECK(run_holdfast({"baseline", "diff", one, two}).status == 2);
  CHECK(run_holdfast({"baseline", "diff", one, "no-such-image", "--socket", none}).status == 3);
}

TEST_CASE("baseline diff takes an image from the service") {
  const TempDirectory directory;
  const std::string one = directory / "one";
  REQUIRE(baseline::write_baseline_file(one, {image("a:1", {"/bin/a"})}));
  control::Server server({.socket = directory / "sock"});
  server.add("baseline.show", control::Pace::slow, [](const control::Request& request, control::Stream& stream) {
    CHECK(request.required_text("image").value() == "app:1");
    stream.item(
        boost::json::object{{"path", "/bin/a"}, {"mode", "0755"}, {"size", 5}, {"sha256", std::string(64, '0')}});
    return control::Answer{boost::json::object{{"id", std::string(64, 'b')}, {"kind", "layers"}}};
  });
  REQUIRE(server.start());
  CHECK(run_holdfast({"baseline", "diff", one, "app:1", "--socket", directory / "sock"}).status == 0);
}

TEST_CASE("baseline build refuses what is no archive in one line, and writes nothing") {
  const TempDirectory directory;
  std::ofstream(directory / "text") << "no archive\n";
  const auto failed = run_holdfast({"baseline", "build", directory / "text", "-o", directory / "out"});
  CHECK(failed.status == 2);
  CHECK(has(failed.err, "Unrecognized archive format"));
  CHECK(std::count(failed.err.begin(), failed.err.end(), '\n') == 1);
  CHECK(::access((directory / "out").c_str(), F_OK) != 0);
  CHECK(run_holdfast({"baseline", "build"}).status == 2);
}
