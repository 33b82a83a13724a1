#include "holdfast/gate/lease_bell.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>

namespace holdfast::gate {
namespace {

UniqueFd open_signals(int signal, bool wanted) {
  if (!wanted) return {};
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  return UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

LeaseBell::LeaseBell(int signal, bool signals)
    : signals_(open_signals(signal, signals)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void LeaseBell::ring() const {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

void LeaseBell::wait(std::optional<std::chrono::milliseconds> patience) const {
  std::array<pollfd, 2> fds{{{wake_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}}};
  (void)::poll(fds.data(), fds.size(), patience ? static_cast<int>(patience->count()) : -1);
  std::uint64_t count = 0;
  (void)!::read(wake_.get(), &count, sizeof count);
  signalfd_siginfo info{};
  while (signals_ && ::read(signals_.get(), &info, sizeof info) > 0) {
  }
}

}  // namespace holdfast::gate
