#include "holdfast/policy/load.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include "holdfast/policy/settings.h"

using namespace holdfast;
using namespace holdfast::policy;
namespace fs = std::filesystem;

namespace {

class Directory {
 public:
  Directory() {
    std::string name = (fs::temp_directory_path() / "holdfast-policy-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Directory() { fs::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + '/' + name; }
  void write(const std::string& name, const std::string& text, mode_t mode = 0644) const {
    std::ofstream(file(name)) << text;
    REQUIRE(::chmod(file(name).c_str(), mode) == 0);
  }

 private:
  std::string path_;
};

Drift preventing() {
  Drift drift;
  drift.mode = Mode::prevent;
  return drift;
}

Subject image(std::string name) {
  Subject subject;
  subject.image = std::move(name);
  return subject;
}

std::string refusal(const Directory& directory) {
  const auto set = PolicySet::load(directory.path(), Drift{});
  return set.ok() ? "accepted" : set.error().message;
}

}  // namespace

TEST_CASE("the first policy in lexical order that fits is the container's, else the default") {
  const Directory directory;
  directory.write("50-web.policy", "[Match]\nImage=*nginx*\n[Drift]\nMode=prevent\n");
  directory.write("10-old.policy", "[Match]\nImage=*nginx:1.0\n[Drift]\nMode=off\n");
  directory.write("9-last.policy", "[Match]\nImage=*nginx:1.0\n");
  directory.write("README", "not a policy");
  directory.write("50-web.policy.disabled", "[Nonsense]\n");
  directory.write(".50-web.policy", "[Nonsense]\n");
  const auto set = PolicySet::load(directory.path(), Drift{});
  REQUIRE_MESSAGE(set.ok(), set.error().message);
  CHECK(set->all().size() == 4);
  CHECK(set->find(image("nginx:1.0"))->name == "10-old.policy");
  CHECK(set->find(image("nginx:1.27"))->name == "50-web.policy");
  CHECK(set->find(image("redis"))->name == "default");
  CHECK(set->find(Subject{})->name == "default");
  CHECK(set->any_prevents());
}

TEST_CASE("without a policy directory the default holds for all") {
  const auto set = PolicySet::load("/nonexistent/policy.d", preventing());
  REQUIRE(set.ok());
  CHECK(set->all().size() == 1);
  CHECK(set->find(Subject{})->name == "default");
  CHECK(set->find(Subject{})->drift.mode == Mode::prevent);
  CHECK(set->any_prevents());
  CHECK_FALSE(PolicySet({}, Drift{}).any_prevents());
}

TEST_CASE("one bad policy refuses the whole set") {
  const Directory directory;
  directory.write("10-good.policy", "[Drift]\nMode=prevent\n");
  directory.write("20-bad.policy", "[Drift]\nMode=typo\n");
  CHECK(refusal(directory).find(directory.file("20-bad.policy") + ":2: [Drift] Mode:") == 0);
}

TEST_CASE("policies that others could have written are refused") {
  const Directory directory;
  directory.write("10.policy", "[Drift]\n", 0664);
  CHECK(refusal(directory).find("others than its owner can write it (mode 0664)") != std::string::npos);
  directory.write("10.policy", "[Drift]\n", 0644);
  CHECK(refusal(directory) == "accepted");
  REQUIRE(::chmod(directory.path().c_str(), 0777) == 0);
  CHECK(refusal(directory).find("others than its owner can write it (mode 0777)") != std::string::npos);
  REQUIRE(::chmod(directory.path().c_str(), 0755) == 0);
  if (::geteuid() != 0) {
    MESSAGE("SKIPPED: a policy owned by somebody else: needs root to make one");
    return;
  }
  REQUIRE(::chown(directory.file("10.policy").c_str(), 12345, 0) == 0);
  CHECK(refusal(directory).find("owned by uid 12345") != std::string::npos);
  REQUIRE(::chown(directory.file("10.policy").c_str(), 0, 0) == 0);
  REQUIRE(::chown(directory.path().c_str(), 12345, 0) == 0);
  CHECK(refusal(directory).find("owned by uid 12345") != std::string::npos);
}

TEST_CASE("what is not a regular file, or too large, is refused without waiting for it") {
  const Directory directory;
  REQUIRE(::mkfifo(directory.file("10.policy").c_str(), 0600) == 0);
  CHECK(refusal(directory).find("not a regular file") != std::string::npos);
  REQUIRE(::unlink(directory.file("10.policy").c_str()) == 0);
  directory.write("10.policy", "");
  REQUIRE(::truncate(directory.file("10.policy").c_str(), 1L << 40) == 0);
  CHECK(refusal(directory).find("the file is too large") != std::string::npos);
  CHECK_FALSE(load_policy(directory.path()).ok());
}

TEST_CASE("a policy is checked wherever it lies, settings only if they are the administrator's") {
  const Directory directory;
  directory.write("draft.policy", "[Drift]\nMode=prevent\n", 0666);
  CHECK(load_policy(directory.file("draft.policy")).ok());
  directory.write("holdfast.conf", "[Drift]\nMode=off\n", 0666);
  CHECK_FALSE(load_settings(directory.file("holdfast.conf")).ok());
  directory.write("holdfast.conf", "[Drift]\nMode=off\n", 0644);
  const auto settings = load_settings(directory.file("holdfast.conf"));
  REQUIRE(settings.ok());
  CHECK(settings->drift.mode == Mode::off);
  CHECK(load_settings(directory.file("missing")).error().code == ENOENT);
  CHECK(load_policy(directory.file("missing")).error().message.find("No such file") != std::string::npos);
}

TEST_CASE("the configuration and the example policy that are installed are right") {
  if (!fs::exists("conf/holdfast.conf")) {
    MESSAGE("SKIPPED: not run in the source tree");
    return;
  }
  const auto settings = load_settings("conf/holdfast.conf");
  REQUIRE_MESSAGE(settings.ok(), settings.error().message);
  CHECK(settings->drift.mode == Mode::detect);
  const auto policy = load_policy("conf/50-example.policy.disabled");
  REQUIRE_MESSAGE(policy.ok(), policy.error().message);
  CHECK(policy->drift.mode == Mode::prevent);
  CHECK(policy->allows.size() == 2);
  CHECK(policy->denies.size() == 1);
}
