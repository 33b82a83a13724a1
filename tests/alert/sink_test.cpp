#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "holdfast/alert/format.h"
#include "holdfast/alert/queue.h"
#include "holdfast/base/unique_fd.h"

#include "example.h"

using namespace holdfast;
using namespace holdfast::alert;
namespace fs = std::filesystem;

namespace {

class Directory {
 public:
  Directory() {
    std::string name = (fs::temp_directory_path() / "holdfast-alert-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Directory() { fs::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + '/' + name; }

 private:
  std::string path_;
};

std::string content(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("sinks that do not exist are refused by name") {
  for (const std::string spec : {"", "syslog", "file:", "file:relative", "journald ", "stderr:"}) {
    CHECK_MESSAGE(make_sink(spec).ok() == false, spec);
  }
  CHECK(make_sink("syslog").error().message.find("journald, stderr or file:/path would be right") != std::string::npos);
  CHECK(make_sink("journald").value()->name() == "journald");
  CHECK(make_sink("stderr").value()->name() == "stderr");
}

TEST_CASE("a file gets a JSON line per alert, private and appended") {
  const Directory directory;
  const std::string path = directory.file("alerts.json");
  const std::string line = to_json(example_alert()) + '\n';
  for (int round = 1; round <= 2; ++round) {
    auto sink = make_sink("file:" + path);
    REQUIRE(sink.ok());
    CHECK(sink.value()->name() == "file:" + path);
    CHECK(sink.value()->write(example_alert()));
  }
  CHECK(content(path) == line + line);
  struct stat st {};
  REQUIRE(::stat(path.c_str(), &st) == 0);
  CHECK((st.st_mode & 0777) == 0600);
}

TEST_CASE("half a line that a killed service has left is not continued") {
  const Directory directory;
  const std::string path = directory.file("alerts.json");
  const std::string line = to_json(example_alert()) + '\n';
  std::ofstream(path) << line << line.substr(0, 100);
  auto sink = make_sink("file:" + path);
  REQUIRE(sink.ok());
  CHECK(sink.value()->write(example_alert()));
  CHECK(sink.value()->write(example_alert()));
  CHECK(content(path) == line + line.substr(0, 100) + '\n' + line + line);
}

TEST_CASE("a rotated file is followed by a new one") {
  const Directory directory;
  const std::string path = directory.file("alerts.json");
  auto sink = make_sink("file:" + path);
  REQUIRE(sink.ok());
  CHECK(sink.value()->write(example_alert()));
  fs::rename(path, directory.file("alerts.json.1"));
  CHECK(sink.value()->write(example_alert()));
  CHECK(content(path) == to_json(example_alert()) + '\n');
  CHECK(content(directory.file("alerts.json.1")) == content(path));
}

TEST_CASE("links, FIFOs and directories are refused as alert files") {
  const Directory directory;
  fs::create_symlink("/dev/null", directory.file("link"));
  REQUIRE(::mkfifo(directory.file("fifo").c_str(), 0600) == 0);
  const UniqueFd reader(::open(directory.file("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  CHECK_FALSE(make_sink("file:" + directory.file("link")).ok());
  CHECK_FALSE(make_sink("file:" + directory.file("fifo")).ok());
  CHECK_FALSE(make_sink("file:" + directory.file(".")).ok());
  CHECK_FALSE(make_sink("file:" + directory.file("no/such/directory")).ok());
  for (const char* wrong : {"link", "fifo", ".", "no/such/directory"}) {
    CAPTURE(wrong);
    CHECK_FALSE(check_sink("file:" + directory.file(wrong)).ok());
  }
}

TEST_CASE("a sink is checked without making its file, and without a word in one that is there") {
  const Directory directory;
  CHECK(check_sink("journald").ok());
  CHECK(check_sink("stderr").ok());
  CHECK_FALSE(check_sink("syslog").ok());
  CHECK_FALSE(check_sink("file:relative").ok());
  const std::string path = directory.file("alerts.json");
  CHECK(check_sink("file:" + path).ok());
  CHECK_FALSE(fs::exists(path));
  std::ofstream(path) << "kept";
  CHECK(check_sink("file:" + path).ok());
  CHECK(content(path) == "kept");
}

TEST_CASE("a full disk is a loss that the sink admits") {
  const Directory directory;
  const std::string path = directory.file("alerts.json");
  auto sink = make_sink("file:" + path);
  REQUIRE(sink.ok());
  fs::remove(path);
  fs::create_symlink("/dev/full", path);
  CHECK_FALSE(sink.value()->write(example_alert()));
  fs::remove(path);
  CHECK(sink.value()->write(example_alert()));
}

TEST_CASE("a journal that is not there is a loss, not a success") {
  if (::access("/run/systemd/journal/socket", F_OK) == 0) {
    MESSAGE("SKIPPED: a journal is running here");
    return;
  }
  CHECK_FALSE(make_sink("journald").value()->write(example_alert()));
}
