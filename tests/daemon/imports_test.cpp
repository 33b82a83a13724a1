#include <unistd.h>

#include <fstream>

#include <doctest/doctest.h>

#include "holdfast/baseline/baseline_file.h"

#include "fake_service.h"

using namespace holdfast;
using namespace holdfast::daemon::fakes;
using control::Status;

TEST_CASE("what was imported is listed, shown and forgotten; it is never read again, nor taken for a captured one") {
  Service service;
  policy::Settings settings;
  settings.state_directory = settings.runtime_directory = service.directory.path();
  service.context.settings = [settings] { return settings; };
  const std::string captured(service.result("baseline.list").at("baselines").at(0).at("id").as_string());
  const std::size_t before = service.result("baseline.list").at("baselines").as_array().size();

  // The file says that it is the very baseline that a container here has, under the same name.
  baseline::ImageListing listing{std::string(64, 'a'), "layers", {"nginx:1.27", "from-ci:1"}, {}, "linux/amd64", {}};
  listing.files = {{"/bin/evil", 3, 0755, Sha256{}}};
  REQUIRE(baseline::write_baseline_file(service.directory / "import-17", {listing}));
  const auto imported = service.result("baseline.import", {{"file", "import-17"}}).at("images").at(0);
  CHECK(imported.at("new") == true);
  CHECK(imported.at("kind") == "imported");
  CHECK(imported.at("imported").at("id").as_string() == std::string(64, 'a'));
  CHECK(::access((service.directory / "import-17").c_str(), F_OK) != 0);
  const std::string id(imported.at("id").as_string());
  CHECK(id != std::string(64, 'a'));

  CHECK(service.result("baseline.list").at("baselines").as_array().size() == before + 1);
  CHECK(service.result("baseline.show", {{"image", "from-ci:1"}}).at("id").as_string() == id);
  REQUIRE(service.items.size() == 1);
  CHECK(service.items[0].at("path") == "/bin/evil");
  // A name that both have means the captured one.
  CHECK(service.result("baseline.show", {{"image", "nginx:1.27"}}).at("id").as_string() == captured);
  for (const char* command : {"baseline.verify", "baseline.rebuild"}) {
    const char* const argument = std::string(command) == "baseline.verify" ? "image" : "target";
    CHECK(service.failure(command, {{argument, "from-ci:1"}}).message.find("was imported") != std::string::npos);
  }
  CHECK(service.result("baseline.prune", {{"imported", true}}).at("removed") == 1);
  CHECK(service.failure("baseline.show", {{"image", "from-ci:1"}}).status == Status::bad_input);
}

TEST_CASE("only a file of our own runtime directory is imported, and only a whole one") {
  Service service;
  policy::Settings settings;
  settings.state_directory = settings.runtime_directory = service.directory.path();
  service.context.settings = [settings] { return settings; };
  for (const char* name : {"../etc/passwd", "/etc/passwd", "import-", "import-1/x", "import-x", "control.sock"}) {
    CHECK(service.failure("baseline.import", {{"file", name}}).message.find("not the name of a file") !=
          std::string::npos);
  }
  CHECK(service.failure("baseline.import", {{"file", "import-1"}}).status == Status::bad_input);
  std::ofstream(service.directory / "import-2") << R"({"holdfast_baseline":1,"images":1})" << '\n';
  CHECK(service.failure("baseline.import", {{"file", "import-2"}}).message.find("line 2") != std::string::npos);
  CHECK(::access((service.directory / "imported.db").c_str(), F_OK) != 0);
}
