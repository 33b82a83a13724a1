#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

#include <cstdio>
#include <string_view>

#include <fmt/format.h>

#include "holdfast/base/unique_fd.h"
#include "holdfast/daemon/absence.h"
#include "holdfast/daemon/log.h"
#include "holdfast/daemon/notify.h"

// holdfast-release: lets containers go when no service comes back. Small on purpose: it must work when nothing else
// does.
int main(int argc, char** argv) {
  using namespace holdfast;
  using namespace holdfast::daemon;
  constexpr int kUsage = 2;
  std::string runtime_directory = "/run/holdfast";
  if (argc == 3 && std::string_view(argv[1]) == "--runtime-dir") {
    runtime_directory = argv[2];
  } else if (argc != 1) {
    std::fputs("usage: holdfast-release [--runtime-dir DIR]\n", stderr);
    return kUsage;
  }
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  ::prctl(PR_SET_DUMPABLE, 0);  // a core dump would hold the group while it is written
  const UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  auto releaser = Releaser::create(
      {.socket = release_socket(runtime_directory), .tell = [](const std::string& what) { log_line(what); }});
  if (!releaser) {
    log_line(releaser.error().message);
    return 1;
  }
  notify_ready();
  releaser->run(signals.get());
  return 0;
}
