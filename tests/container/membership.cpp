#include "holdfast/container/membership.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "holdfast/base/unique_fd.h"
#include "holdfast/kernel/proc.h"

#include "fakes.h"

using namespace holdfast;
using namespace holdfast::container;

namespace {

/// A process in namespaces of its own that waits until it is killed.
class Lodger {
 public:
  explicit Lodger(unsigned long namespaces) {
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) return;
    pid_ = static_cast<pid_t>(::syscall(SYS_clone, namespaces | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    if (pid_ == 0) {
      (void)!::write(ready[1], "x", 1);
      for (;;) ::pause();
    }
    ::close(ready[1]);
    char byte = 0;
    if (pid_ > 0) (void)!::read(ready[0], &byte, 1);
    ::close(ready[0]);
    if (pid_ < 0) pid_ = 0;
  }
  ~Lodger() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Lodger(const Lodger&) = delete;
  Lodger& operator=(const Lodger&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] UniqueFd proc() const {
    auto opened = kernel::open_proc(pid_);
    REQUIRE(opened.ok());
    return std::move(opened).value();
  }

 private:
  pid_t pid_ = 0;
};

std::shared_ptr<Container> make(dev_t device) {
  return std::make_shared<Container>(device, RootKey{device, 1, 2}, RootKind::overlay,
                                     std::make_shared<fakes::Baseline>("image", baseline::Kind::layers), "/upper",
                                     "/merged");
}

UniqueFd pid_space_of(const Lodger& lodger) {
  return UniqueFd(::openat(lodger.proc().get(), "ns/pid", O_RDONLY | O_CLOEXEC));
}

ino_t space_of(const Lodger& lodger, const char* which) { return *kernel::namespace_inode(lodger.proc().get(), which); }

}  // namespace

TEST_SUITE("membership") {
  TEST_CASE("a process whose root lies on another file system still belongs to its container, by its PID namespace") {
    const Lodger lodger(CLONE_NEWPID | CLONE_NEWNS);
    REQUIRE(lodger.pid() > 0);
    Registry registry;
    const auto one = make(1001);
    const auto other = make(1002);
    registry.put(one);
    registry.put(other);
    const Membership membership(registry);
    CHECK(membership.container_of(lodger.proc().get()) == nullptr);
    one->set_pid_namespace(pid_space_of(lodger));
    CHECK(membership.container_of(lodger.proc().get()) == one);
  }

  TEST_CASE("a namespace that was made after a known container's one has ended is nobody's") {
    Registry registry;
    const auto ended = make(1001);
    registry.put(ended);
    {
      const Lodger first(CLONE_NEWPID | CLONE_NEWNS);
      REQUIRE(first.pid() > 0);
      ended->set_pid_namespace(pid_space_of(first));
    }
    // The kernel gives the lowest number that is free.
    for (int i = 0; i < 20; ++i) {
      const Lodger later(CLONE_NEWPID | CLONE_NEWNS);
      REQUIRE(later.pid() > 0);
      CHECK(Membership(registry).container_of(later.proc().get()) == nullptr);
    }
  }

  TEST_CASE("containers that share a PID namespace are told apart by their mount namespaces") {
    const Lodger lodger(CLONE_NEWPID | CLONE_NEWNS);
    REQUIRE(lodger.pid() > 0);
    Registry registry;
    const auto pause = make(1001);
    const auto app = make(1002);
    registry.put(pause);
    registry.put(app);
    for (const auto& container : {pause, app}) container->set_pid_namespace(pid_space_of(lodger));
    app->set_mount_namespace(space_of(lodger, "mnt"));
    CHECK(Membership(registry).container_of(lodger.proc().get()) == app);
  }

  TEST_CASE("a host's process in a mount namespace of its own belongs to nobody") {
    const Lodger lodger(CLONE_NEWNS);
    REQUIRE(lodger.pid() > 0);
    Registry registry;
    const auto container = make(1001);
    registry.put(container);
    CHECK(Membership(registry).container_of(lodger.proc().get()) == nullptr);
  }
}
