#include "../../src/daemon/commands/open_in_container.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "../control/temp_directory.h"

using namespace holdfast;
using namespace holdfast::daemon;

namespace {

/// A directory that stands for a container's root.
struct Root {
  Root() {
    std::filesystem::create_directories(directory / "root/bin");
    std::ofstream(directory / "root/bin/sh") << "image";
    std::ofstream(directory / "secret") << "host";
    fd.reset(::open((directory / "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  void link(const std::string& target, const std::string& name) const {
    REQUIRE(::symlink(target.c_str(), (directory / ("root" + name)).c_str()) == 0);
  }
  [[nodiscard]] Result<UniqueFd> open(const std::string& path) const { return open_regular(fd.get(), path); }
  [[nodiscard]] std::string content(const std::string& path) const {
    const auto file = open(path);
    if (!file) return "error";
    char block[64];
    const ssize_t got = ::read(file->get(), block, sizeof block);
    return {block, got > 0 ? static_cast<std::size_t>(got) : 0};
  }

  TempDirectory directory;
  UniqueFd fd;
};

}  // namespace

TEST_CASE("a path is looked up as the container would, and never leaves it") {
  const Root root;
  CHECK(root.content("/bin/sh") == "image");
  root.link("/bin/sh", "/absolute");
  CHECK(root.content("/absolute") == "image");
  root.link("../../../../../../bin/sh", "/bin/climbing");
  CHECK(root.content("/bin/climbing") == "image");
  root.link(root.directory / "secret", "/escape");
  CHECK(root.content("/escape") == "error");
  CHECK(root.content("/../secret") == "error");
  CHECK(root.content("/bin/../../secret") == "error");
}

TEST_CASE("nothing is opened that could block or act, and every refusal says why") {
  const Root root;
  REQUIRE(::mkfifo((root.directory / "root/fifo").c_str(), 0777) == 0);
  const auto refused = [&](const std::string& path, int code) {
    CAPTURE(path);
    const auto file = root.open(path);
    REQUIRE_FALSE(file.ok());
    CHECK(file.error().code == code);
    CHECK_FALSE(file.error().message.empty());
  };
  refused("/fifo", EINVAL);
  refused("/bin", EINVAL);
  refused("/absent", ENOENT);
  refused("bin/sh", EINVAL);
  refused("", EINVAL);
  refused(std::string("/bin/sh\0x", 9), EINVAL);
  refused("/" + std::string(5000, 'x'), ENAMETOOLONG);
  root.link("/loop", "/loop");
  refused("/loop", ELOOP);
}
