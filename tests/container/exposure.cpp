// What cannot be guaranteed: spans of a container, containers that cannot be protected, and programs in memory.

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../../src/container/memory_seal.h"
#include "discovery_bench.h"

using namespace holdfast;
using namespace holdfast::container;
using namespace holdfast::container::bench;

namespace {

std::shared_ptr<Container> container_in(policy::Mode mode, dev_t device = 1) {
  auto made = std::make_shared<Container>(device, RootKey{1, device, 0}, RootKind::overlay,
                                          std::make_shared<fakes::Baseline>("image", baseline::Kind::layers), "", "");
  auto policy = std::make_shared<policy::Policy>();
  policy->drift.mode = mode;
  made->set_policy(policy);
  return made;
}

void turn(const std::shared_ptr<Container>& container, policy::Mode mode) {
  auto policy = std::make_shared<policy::Policy>();
  policy->drift.mode = mode;
  container->set_policy(policy);
}

/// The first process of a PID namespace and a user namespace of its own: nobody in there can trace us.
class Space {
 public:
  Space() {
    pid_ = static_cast<pid_t>(
        ::syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (;;) ::pause();
    }
    auto proc = kernel::open_proc(pid_);
    REQUIRE(proc.ok());
    proc_ = std::move(*proc);
  }
  ~Space() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Space(const Space&) = delete;
  Space& operator=(const Space&) = delete;
  [[nodiscard]] int proc() const { return proc_.get(); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  /// What vm.memfd_noexec is in there: by setting it to what it is sealed to, and back.
  [[nodiscard]] int level() const {
    const UniqueFd space(::openat(proc(), "ns/pid", O_RDONLY | O_CLOEXEC));
    kernel::PidNamespaces spaces;
    const auto before = spaces.set_memfd_noexec(space.get(), 2);
    REQUIRE(before.ok());
    REQUIRE(spaces.set_memfd_noexec(space.get(), *before).ok());
    return *before;
  }

 private:
  pid_t pid_ = 0;
  UniqueFd proc_;
};

struct SealBench {
  std::vector<std::string> told, problems;
  MemorySeal seal{[] {
                    const auto self = kernel::open_proc(::getpid());
                    return *kernel::namespace_inode(self->get(), "pid");
                  }(),
                  {[this](const auto&, const auto& why) { told.push_back(why); },
                   [this](const auto& sentence) { problems.push_back(sentence); }}};
};

bool can_seal() {
  std::ifstream in("/proc/sys/vm/memfd_noexec");
  int level = -1;
  in >> level;
  if (::geteuid() == 0 && level == 0) return true;
  MESSAGE("SKIPPED: needs root, and a kernel whose vm.memfd_noexec is 0");
  return false;
}

}  // namespace

TEST_SUITE("exposure") {
  TEST_CASE("a span begins once and ends once") {
    const auto container = container_in(policy::Mode::prevent);
    CHECK(container->begin_exposure("why"));
    CHECK_FALSE(container->begin_exposure("why"));
    REQUIRE(container->exposures().size() == 1);
    CHECK(container->exposures()[0].goes_on());
    container->end_exposure("another");
    CHECK(container->exposures()[0].goes_on());
    container->end_exposure("why");
    CHECK_FALSE(container->exposures()[0].goes_on());
    CHECK(container->begin_exposure("why"));
    CHECK(container->exposures().size() == 2);
  }

  TEST_CASE("of a container that ran at the last heartbeat, only the time since then is told") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    Process::Kind inside;
    inside.prepare = overlay.mount();
    inside.root = overlay.at("merged");
    const Process contained(inside);
    struct stat root {};
    REQUIRE(::fstatat(contained.proc(), "root", &root, 0) == 0);
    const auto scan = [&](Wall::time_point alive) {
      Bench bench(policy::Mode::detect, {}, alive);
      bench.discovery->scan_all();
      const auto container = bench.registry.find(root.st_dev);
      REQUIRE(container != nullptr);
      REQUIRE(container->exposures().size() == 1);
      return container->exposures()[0];
    };
    const auto alive = Wall::now();
    CHECK(scan(alive).why == "the service did not run");
    CHECK(scan(alive).from == alive);
    CHECK(scan(alive - std::chrono::hours(1)).why == "started before the service");
    CHECK(scan(alive - std::chrono::hours(1)).from > alive - std::chrono::minutes(10));
    CHECK(scan({}).why == "started before the service");
    const auto ahead = scan(Wall::now() + std::chrono::hours(1));  // the clock was set back
    CHECK(ahead.from <= ahead.until);
  }

  TEST_CASE("a container whose mark fails is exposed until a mark succeeds") {
    if (!stage::can_mount_overlays()) return;
    const Overlay overlay;
    const Process runtime;
    REQUIRE(runtime.run(overlay.mount()));
    Bench bench;
    bench.marker.refuse = true;
    bench.barrier(runtime);
    REQUIRE(bench.only()->exposures().size() == 1);
    CHECK(bench.only()->exposures()[0].goes_on());
    bench.marker.refuse = false;
    bench.barrier(runtime);
    REQUIRE(bench.only()->exposures().size() == 1);
    CHECK_FALSE(bench.only()->exposures()[0].goes_on());
  }

  TEST_CASE("a container that cannot be protected is listed from its first process to its last") {
    if (!stage::can_mount_overlays()) return;
    const stage::TemporaryDirectory place;
    Process::Kind inside;
    inside.root = place.directory("root");
    UnprotectedList list;
    struct stat root {};
    REQUIRE(::stat(inside.root.c_str(), &root) == 0);
    list.add({"some-id", "no layers", root.st_dev, root.st_ino, 0, Wall::now()});
    CHECK(list.refresh().empty());
    CHECK(list.all().empty());
    {
      const Process contained(inside);
      const auto begun = list.refresh();
      REQUIRE(begun.size() == 1);
      CHECK(begun[0].pid == contained.pid());
      CHECK(list.refresh().empty());
      REQUIRE(list.all().size() == 1);
      CHECK(list.all()[0].id == "some-id");
    }
    CHECK(list.refresh().empty());
    CHECK(list.all().empty());
  }

  TEST_CASE("a service of the host with mounts of its own is no container") {
    if (!stage::can_mount_overlays()) return;
    const Process with_own_mounts;
    UnprotectedList list;
    struct stat root {};
    REQUIRE(::stat("/", &root) == 0);
    list.add({"", "the host's own /", root.st_dev, root.st_ino, 0, Wall::now()});
    for (const auto& one : list.refresh()) CHECK(one.pid != with_own_mounts.pid());
  }
}

// The child shares our memory (CLONE_VM), which the thread sanitizer's runtime does not survive: skipped there, by
// name.
#ifdef __SANITIZE_THREAD__
constexpr bool kSkip = true;
#else
constexpr bool kSkip = false;
#endif

TEST_SUITE("programs in memory" * doctest::skip(kSkip)) {
  TEST_CASE("are refused in prevent mode, and no longer once the mode changes or the service ends") {
    if (!can_seal()) return;
    const Space space;
    const auto container = container_in(policy::Mode::prevent);
    {
      SealBench bench;
      bench.seal.enter(container, space.proc(), space.pid());
      CHECK(space.level() == 2);
      turn(container, policy::Mode::detect);
      bench.seal.renew(*container);
      CHECK(space.level() == 0);
      turn(container, policy::Mode::prevent);
      bench.seal.renew(*container);
      CHECK(space.level() == 2);
      CHECK(bench.told.empty());
    }
    CHECK(space.level() == 0);
    CHECK(container->exposures().empty());
  }

  TEST_CASE("are left alone where the policy allows them") {
    if (!can_seal()) return;
    const Space space;
    const auto container = container_in(policy::Mode::detect);
    SealBench bench;
    bench.seal.enter(container, space.proc(), space.pid());
    CHECK(space.level() == 0);
    auto policy = std::make_shared<policy::Policy>();
    policy->drift.mode = policy::Mode::prevent;
    policy->drift.verdicts.at(static_cast<std::size_t>(policy::Reason::fileless)) = policy::Verdict::alert;
    container->set_policy(policy);
    bench.seal.renew(*container);
    CHECK(space.level() == 0);
    CHECK(container->exposures().empty());
  }

  TEST_CASE("in a shared PID namespace are refused only if everybody there wants that") {
    if (!can_seal()) return;
    const Space space;
    const auto strict = container_in(policy::Mode::prevent, 1);
    const auto lax = container_in(policy::Mode::detect, 2);
    SealBench bench;
    bench.seal.enter(strict, space.proc(), space.pid());
    bench.seal.enter(lax, space.proc(), 0);
    CHECK(space.level() == 0);
    REQUIRE(strict->exposures().size() == 1);
    CHECK(strict->exposures()[0].goes_on());
    CHECK(bench.told.size() == 1);
    CHECK(lax->exposures().empty());
    bench.seal.leave(*lax);
    CHECK(space.level() == 2);
    CHECK_FALSE(strict->exposures()[0].goes_on());
  }

  TEST_CASE("in the host's PID namespace are never touched, and that is an exposure while prevent mode lasts") {
    if (!can_seal()) return;
    const auto container = container_in(policy::Mode::prevent);
    SealBench bench;
    const auto self = kernel::open_proc(::getpid());
    bench.seal.enter(container, self->get(), ::getpid());
    CHECK(can_seal());
    REQUIRE(bench.told.size() == 1);
    CHECK(bench.told[0].find("host's PID namespace") != std::string::npos);
    turn(container, policy::Mode::detect);
    bench.seal.renew(*container);
    CHECK_FALSE(container->exposures()[0].goes_on());
  }
}
