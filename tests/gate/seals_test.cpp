#include "holdfast/gate/seals.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include <doctest/doctest.h>

#include "holdfast/base/identity.h"

#include "../baseline/fake_catalog.h"
#include "overlay_fixture.h"

using namespace holdfast;
using namespace std::chrono_literals;

namespace {

const Sha256 kOne{1}, kTwo{2};

FileTime now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>((Wall::now() + 1s).time_since_epoch()).count();
}

struct SealsBox {
  SealsBox() {
    overlay.mount();
    container = std::make_shared<container::Container>(
        overlay.device(), container::RootKey{1, 2, 3}, container::RootKind::overlay,
        std::make_shared<test::DirectoryBaseline>(overlay.lower()), overlay.upper(), "/");
    container->set_names({});
    apply();
  }
  void apply() {
    auto policy = std::make_shared<policy::Policy>();
    policy->seal = seal;
    container->set_policy(policy);
  }
  [[nodiscard]] bool fits(const std::string& path, const Sha256& sha256, bool by_itself = true,
                          FileTime changed = now(), bool own_work = false) {
    return seals.fits({*container, seal, path, sha256, changed, by_itself, own_work, {}});
  }
  test::Overlay overlay;
  std::shared_ptr<container::Container> container;
  policy::Seal seal{.window = 60s, .until = {}};
  alert::Queue alerts{{}, {}};
  baseline::fakes::EmptyCatalog catalog;
  kernel::LateCloser closer;
  gate::Seals seals{{alerts, catalog, closer, [](const std::string&) {}}};
};

}  // namespace

TEST_SUITE("seals") {
  TEST_CASE("what a fresh container executes within its window is pinned by path and content") {
    SealsBox box;
    box.seals.begin(box.container);
    CHECK(box.fits("/opt/x", kOne));
    CHECK(box.fits("/opt/x", kOne, false));  // pinned: whoever executes it
    CHECK_FALSE(box.fits("/opt/y", kOne, false));
    CHECK_FALSE(box.fits("/opt/x", kTwo, false));
    CHECK(box.fits("/opt/x", kTwo));  // written again within the window
    CHECK_FALSE(box.fits("/opt/x", kOne, false));
  }

  TEST_CASE("a container that was not seen from its first execution on has no window") {
    SealsBox box;
    CHECK_FALSE(box.fits("/opt/x", kOne));
  }

  TEST_CASE("what was there before the first execution is not pinned") {
    SealsBox box;
    const FileTime before = now() - FileTime{3'000'000'000};
    box.seals.begin(box.container);
    CHECK_FALSE(box.fits("/opt/x", kOne, true, before));
  }

  TEST_CASE(
      "what the container wrote itself within its window is pinned when it is executed later, what changed later is "
      "not") {
    SealsBox box;
    box.seal.window = 1s;
    box.apply();
    box.seals.begin(box.container);
    const FileTime within = now() - FileTime{500'000'000};
    std::this_thread::sleep_for(1600ms);
    CHECK_FALSE(box.fits("/opt/x", kOne, true, within));
    CHECK_FALSE(box.fits("/opt/x", kOne, true, now(), true));
    CHECK(box.fits("/opt/x", kOne, false, within, true));
    CHECK(box.fits("/opt/x", kOne, false));  // pinned
  }

  TEST_CASE("when the window is over nothing is pinned any more, and a start anew opens none") {
    SealsBox box;
    box.seal.window = 1s;
    box.apply();
    box.seals.begin(box.container);
    CHECK(box.fits("/opt/x", kOne));
    std::this_thread::sleep_for(1100ms);
    CHECK_FALSE(box.fits("/opt/y", kOne));
    box.seals.begin(box.container);
    CHECK_FALSE(box.fits("/opt/y", kOne));
    CHECK(box.fits("/opt/x", kOne));
  }

  TEST_CASE("who asks to write what is pinned waits a moment, and takes its pin away whatever he writes") {
    SealsBox box;
    const std::string file = box.overlay.upper() + "/x";
    std::ofstream(file) << "program";
    box.seals.begin(box.container);
    const auto fits = [&](bool by_itself) {
      UniqueFd real(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
      return box.seals.fits({*box.container, box.seal, "/x", kOne, now(), by_itself, false, std::move(real)});
    };
    REQUIRE(fits(true));
    CHECK(fits(false));
    const auto begin = Steady::now();
    const UniqueFd writer(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    CHECK(writer.valid());
    CHECK(Steady::now() - begin < 2s);
    CHECK_FALSE(fits(false));
  }

  TEST_CASE("pins are kept for the next service, whose windows are over") {
    SealsBox box;
    box.seals.begin(box.container);
    CHECK(box.fits("/opt/x", kOne));
    const auto kept = [&] {
      const std::lock_guard lock(box.catalog.mutex);
      return box.catalog.kept_sealed.size();
    };
    for (int look = 0; look < 1000 && kept() == 0; ++look) std::this_thread::sleep_for(5ms);
    REQUIRE(kept() == 1);
    gate::Seals next{{box.alerts, box.catalog, box.closer, [](const std::string&) {}}};
    REQUIRE(next.resume().ok());
    next.begin(box.container);
    next.meet(box.container);
    const auto fits = [&](const std::string& path, const Sha256& sha256) {
      return next.fits({*box.container, box.seal, path, sha256, now(), true, true, {}});
    };
    CHECK(fits("/opt/x", kOne));
    CHECK_FALSE(fits("/opt/x", kTwo));
    CHECK_FALSE(fits("/opt/y", kOne));
  }

  TEST_CASE("a root whose birth is not known is never fresh") {
    SealsBox box;
    const auto nameless = std::make_shared<container::Container>(box.overlay.device(), container::RootKey{1, 2, 0},
                                                                 container::RootKind::overlay, nullptr, "", "/");
    box.seals.begin(nameless);
    CHECK_FALSE(box.seals.fits({*nameless, box.seal, "/opt/x", kOne, now(), true, false, {}}));
  }

  TEST_CASE("a file in the container is found from its root, and no link leads out of it") {
    SealsBox box;
    std::filesystem::create_directories(box.overlay.root() + "/run");
    std::filesystem::create_symlink("/etc/passwd", box.overlay.root() + "/run/link");
    std::filesystem::create_symlink("../../../../../../etc", box.overlay.root() + "/run/up");
    std::ofstream(box.overlay.root() + "/run/ready") << "";
    CHECK_FALSE(gate::exists_in_container(*box.container, "/run/ready"));  // no process yet
    const pid_t child = ::fork();
    if (child == 0) {
      if (::chroot(box.overlay.root().c_str()) != 0) ::_exit(1);
      for (;;) ::pause();
    }
    box.container->set_first_pid(child);
    for (int look = 0; look < 1000 && !gate::exists_in_container(*box.container, "/run/ready"); ++look) ::usleep(5000);
    CHECK(gate::exists_in_container(*box.container, "/run/ready"));
    CHECK_FALSE(gate::exists_in_container(*box.container, "/run/absent"));
    CHECK_FALSE(gate::exists_in_container(*box.container, "/run/link"));
    CHECK_FALSE(gate::exists_in_container(*box.container, "/run/up/passwd"));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    CHECK_FALSE(gate::exists_in_container(*box.container, "/run/ready"));
  }
}
