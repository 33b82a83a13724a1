#include "holdfast/gate/sanctions.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "overlay_fixture.h"

using namespace holdfast;
using namespace std::chrono_literals;
using policy::Drift;

namespace {

/// A process that lives in the overlay's root, in a mount namespace of its own or in the host's; SIGTERM ends it or
/// not.
pid_t start(const test::Overlay& overlay, bool own_namespace, bool ignores_term) {
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (own_namespace && ::unshare(CLONE_NEWNS) != 0) ::_exit(1);
    if (::chroot(overlay.root().c_str()) != 0) ::_exit(1);
    // Not the test program's own handler.
    ::signal(SIGTERM, ignores_term ? SIG_IGN : SIG_DFL);
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char x = 0;
  ::close(ready[1]);
  REQUIRE(::read(ready[0], &x, 1) == 1);
  ::close(ready[0]);
  return child;
}

/// The signal that ended it; 0 if it goes on after the time.
int ended_by(pid_t child, std::chrono::milliseconds patience) {
  const auto end = Steady::now() + patience;
  for (int status = 0; Steady::now() < end; ::usleep(5000)) {
    if (::waitpid(child, &status, WNOHANG) == child) return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
  }
  return 0;
}

struct SanctionsBox {
  SanctionsBox() {
    overlay.mount();
    container = std::make_shared<container::Container>(
        overlay.device(), container::RootKey{}, container::RootKind::overlay,
        std::make_shared<test::DirectoryBaseline>(overlay.lower()), overlay.upper(), "/");
    registry.put(container);
  }
  test::Overlay overlay;
  std::shared_ptr<container::Container> container;
  container::Registry registry;
  const container::Membership membership{registry};
  const gate::Enforcer enforcer{membership};
  alert::Queue alerts{{}, {}};
};

}  // namespace

TEST_SUITE("sanctions") {
  TEST_CASE("a container that is stopped gets SIGTERM first") {
    SanctionsBox box;
    const pid_t first = start(box.overlay, true, false);
    box.container->set_first_pid(first);
    gate::Sanctions sanctions({box.membership, box.enforcer, box.alerts, 60s});
    sanctions.impose(box.container, Drift::Action::stop);
    CHECK(ended_by(first, 10s) == SIGTERM);
  }

  TEST_CASE("who does not heed SIGTERM is killed, with everybody else of the container and nobody of the host") {
    SanctionsBox box;
    const pid_t first = start(box.overlay, true, true);
    const pid_t other = start(box.overlay, true, true);
    const pid_t on_host = start(box.overlay, false, false);  // somebody on the host in the container's root
    box.container->set_first_pid(first);
    gate::Sanctions sanctions({box.membership, box.enforcer, box.alerts, 200ms});
    sanctions.impose(box.container, Drift::Action::stop);
    CHECK(ended_by(first, 10s) == SIGKILL);
    CHECK(ended_by(other, 10s) == SIGKILL);
    CHECK(ended_by(on_host, 300ms) == 0);
    ::kill(on_host, SIGKILL);
    ::waitpid(on_host, nullptr, 0);
  }

  TEST_CASE("a first process whose number is somebody else's by now is left alone") {
    SanctionsBox box;
    const pid_t stranger = ::fork();
    if (stranger == 0) {
      for (;;) ::pause();
    }
    box.container->set_first_pid(stranger);
    gate::Sanctions sanctions({box.membership, box.enforcer, box.alerts, 50ms});
    sanctions.impose(box.container, Drift::Action::stop);
    sanctions.impose(box.container, Drift::Action::pause);
    CHECK(ended_by(stranger, 500ms) == 0);
    ::kill(stranger, SIGKILL);
    ::waitpid(stranger, nullptr, 0);
  }

  TEST_CASE("none and kill do nothing to the container") {
    SanctionsBox box;
    const pid_t first = start(box.overlay, true, false);
    box.container->set_first_pid(first);
    gate::Sanctions sanctions({box.membership, box.enforcer, box.alerts, 50ms});
    sanctions.impose(box.container, Drift::Action::none);
    sanctions.impose(box.container, Drift::Action::kill);
    CHECK(ended_by(first, 300ms) == 0);
    ::kill(first, SIGKILL);
    ::waitpid(first, nullptr, 0);
  }
}
