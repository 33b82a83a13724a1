#include "holdfast/gate/watchdog.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <thread>

#include <doctest/doctest.h>

#include "holdfast/gate/gate.h"

#include "overlay_fixture.h"

using namespace holdfast;
using namespace std::chrono_literals;

namespace {

/// A baseline that holds whoever asks it for the first time, as a file system that does not answer would hold the gate.
class HoldingBaseline final : public test::DirectoryBaseline {
 public:
  using DirectoryBaseline::DirectoryBaseline;

  [[nodiscard]] bool is_image_code(const Identity&) const noexcept override {
    if (!held_.exchange(true)) release_.wait();
    return false;
  }

  void release() { release_.count_down(); }
  [[nodiscard]] bool holds() const { return held_.load(); }

 private:
  mutable std::atomic<bool> held_{false};
  mutable std::latch release_{1};
};

/// Executes a file in a child; its exit status, or 126 if the kernel refused.
int execute(const std::string& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl(path.c_str(), path.c_str(), nullptr);
    ::_exit(126);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("a gate's thread that is held is replaced: what it has in hand is answered, and the next one judges") {
  test::Overlay overlay;
  overlay.ship("/bin/true", "#!/bin/true\n", 0755);
  overlay.mount();
  container::Registry registry;
  const auto baseline = std::make_shared<HoldingBaseline>(overlay.lower());
  const auto container =
      std::make_shared<container::Container>(overlay.device(), container::RootKey{1, 2, 3},
                                             container::RootKind::overlay, baseline, overlay.upper(), overlay.root());
  policy::Policy policy;
  policy.drift.mode = policy::Mode::prevent;
  container->set_policy(std::make_shared<const policy::Policy>(policy));
  container->set_names({});
  container->set_first_pid(::getpid());
  registry.put(container);

  gate::Counters counters;
  kernel::LateCloser closer;
  gate::ExecLog exec_log;
  std::atomic<int> stuck{0};
  std::atomic<std::size_t> answered{0};
  std::latch told{1};
  gate::Gate::Settings settings;
  settings.answering.deadline = 200ms;
  settings.answering.allow_on_deadline = false;
  auto table = gate::EventTable::create();
  REQUIRE(table.ok());
  auto gate = gate::Gate::create(
      settings,
      {.registry = registry,
       .counters = counters,
       .closer = closer,
       .exec_log = exec_log,
       .any_prevents = [] { return true; },
       .judge = [](gate::Gate& g, const std::shared_ptr<gate::Pending>& pending) { g.answer(*pending, true); },
       .barrier = [](const gate::Pending&) {},
       .on_fatal = [](const std::string&) {},
       .on_stuck =
           [&](std::size_t count, bool) {
             answered = count;
             if (++stuck == 1) told.count_down();
           }},
      std::move(*table), std::nullopt);
  REQUIRE(gate.ok());
  (*gate)->start(1);
  (*gate)->start_judging();
  const UniqueFd root(::open(overlay.root().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE((*gate)->mark_root(root.get(), *container).ok());

  const auto begin = Steady::now();
  CHECK(execute(overlay.root() + "/bin/true") == 126);  // held, and answered as configured
  CHECK(baseline->holds());
  CHECK(Steady::now() - begin < 5s);
  CHECK(execute(overlay.root() + "/bin/true") == 0);  // judged by the one that took over
  told.wait();                                        // what was done is told after it was done
  CHECK(stuck == 1);
  CHECK(answered == 1);
  // The thread that is there now comes around; nothing is said of one that was given up.
  CHECK_FALSE((*gate)->trouble());
  std::this_thread::sleep_for(50ms);
  CHECK_FALSE((*gate)->trouble());
  baseline->release();
  CHECK((*gate)->stop());
}

TEST_CASE("a gate that works is left alone, however long it has nothing to do") {
  gate::Pulse pulse;
  std::atomic<int> stuck{0};
  const gate::Watchdog watchdog({.watched =
                                     [&] {
                                       return gate::Watchdog::Watched{&pulse, ::gettid()};
                                     },
                                 .patience = [] { return 20ms; },
                                 .on_stuck = [&] { ++stuck; }});
  for (int i = 0; i < 20; ++i) {
    pulse.begin();
    std::this_thread::sleep_for(2ms);
    pulse.end();
    std::this_thread::sleep_for(10ms);
  }
  CHECK(stuck == 0);
  CHECK(pulse.busy_for() == Steady::duration::zero());
}
