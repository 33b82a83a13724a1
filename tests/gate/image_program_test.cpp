#include "holdfast/gate/image_program.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "holdfast/kernel/proc.h"

#include "overlay_fixture.h"

using namespace holdfast;
using test::content_of;

namespace {

/// A process that runs a program and waits to be ended.
class Running {
 public:
  explicit Running(const std::string& program) : pid_(::fork()) {
    if (pid_ == 0) {
      ::execl(program.c_str(), "sleep", "1000", nullptr);
      ::_exit(127);
    }
    // /proc/PID/exe is the test's own program until the child has become the other one.
    const auto self = std::filesystem::read_symlink("/proc/self/exe");
    while (std::filesystem::read_symlink("/proc/" + std::to_string(pid_) + "/exe") == self) ::usleep(1000);
  }
  ~Running() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  [[nodiscard]] std::string image_program(const container::Container& container) const {
    const auto proc = kernel::open_proc(pid_);
    REQUIRE(proc.ok());
    return gate::image_program(container, proc->get(), pid_);
  }

 private:
  const pid_t pid_;
};

struct SleeperBox {
  test::Overlay overlay;
  std::shared_ptr<test::DirectoryBaseline> image;
  std::unique_ptr<container::Container> container;

  SleeperBox() {
    overlay.ship("/bin/sleeper", content_of("/bin/sleep"), 0755);
    overlay.ship("/bin/other", content_of("/bin/sleep") + "other", 0755);
    overlay.mount();
    image = std::make_shared<test::DirectoryBaseline>(overlay.lower());
    container = std::make_unique<container::Container>(overlay.device(), container::RootKey{},
                                                       container::RootKind::overlay, image, overlay.upper(), "/");
  }
  [[nodiscard]] std::string path(const std::string& inside) const { return overlay.root() + inside; }
};

}  // namespace

TEST_CASE("a process is named by the image's program that it runs, by identity or by the view") {
  const SleeperBox box;
  const Running running(box.path("/bin/sleeper"));
  CHECK(running.image_program(*box.container) == "/bin/sleeper");
  box.image->know_identities = false;
  CHECK(running.image_program(*box.container) == "/bin/sleeper");
}

TEST_CASE("a program with an image program's name is not taken for it") {
  const SleeperBox box;
  SUBCASE("replaced by the same bytes") {
    std::filesystem::copy_file("/bin/sleep", box.path("/bin/new"));
    std::filesystem::rename(box.path("/bin/new"), box.path("/bin/sleeper"));
  }
  SUBCASE("touched") { ::chmod(box.path("/bin/sleeper").c_str(), 0700); }
  SUBCASE("another program of the image moved there") {
    std::filesystem::rename(box.path("/bin/other"), box.path("/bin/sleeper"));
  }
  CHECK(Running(box.path("/bin/sleeper")).image_program(*box.container).empty());
}

TEST_CASE("an image program that was moved, deleted or mounted elsewhere has no name that could be trusted") {
  const SleeperBox box;
  const Running running(box.path("/bin/sleeper"));
  REQUIRE(running.image_program(*box.container) == "/bin/sleeper");
  SUBCASE("deleted while it runs") { std::filesystem::remove(box.path("/bin/sleeper")); }
  SUBCASE("moved while it runs") { std::filesystem::rename(box.path("/bin/sleeper"), box.path("/opt/sleeper")); }
  CHECK(running.image_program(*box.container).empty());
}

TEST_CASE("a bind mount over an image program changes nothing about who runs") {
  const SleeperBox box;
  std::filesystem::copy_file("/bin/sleep", box.path("/opt/evil"));
  REQUIRE(::mount(box.path("/opt/evil").c_str(), box.path("/bin/sleeper").c_str(), nullptr, MS_BIND, nullptr) == 0);
  CHECK(Running(box.path("/bin/sleeper")).image_program(*box.container).empty());
  ::umount2(box.path("/bin/sleeper").c_str(), MNT_DETACH);
  // … and the other way round: the image's program is named by where the image has it.
  std::ofstream(box.path("/opt/place")) << "";
  REQUIRE(::mount(box.path("/bin/sleeper").c_str(), box.path("/opt/place").c_str(), nullptr, MS_BIND, nullptr) == 0);
  CHECK(Running(box.path("/opt/place")).image_program(*box.container) == "/bin/sleeper");
  ::umount2(box.path("/opt/place").c_str(), MNT_DETACH);
}

TEST_CASE("a program of the host is none of the image's") {
  const SleeperBox box;
  CHECK(Running("/bin/sleep").image_program(*box.container).empty());
}
