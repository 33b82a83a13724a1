#include "holdfast/gate/lease_keeper.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "holdfast/kernel/pidfd.h"

namespace holdfast::gate {
namespace {

using Execution = LeaseKeeper::Execution;

/// How often the kept executions are looked at when nobody asks to write. Short, since a lease's descriptor keeps the
/// superblock of a container that has ended.
constexpr auto kLook = std::chrono::milliseconds(50);
/// … and when somebody does.
constexpr auto kLookWhileAsked = std::chrono::milliseconds(1);
/// A script's process runs its interpreter: that the script was executed cannot be seen in /proc/PID/exe, and what the
/// interpreter reads of it later is not ours to guard.
constexpr auto kScript = std::chrono::seconds(2);
constexpr auto kLongest = std::chrono::seconds(10);
/// Two to three descriptors each; beyond it the oldest go first.
constexpr std::size_t kMostKept = 1500;

/// A process that runs the file already has taken write access from everybody, whether by this execution or one before.
bool runs_file(pid_t pid, dev_t device, ino_t inode) {
  struct stat st {};
  return ::stat(fmt::format("/proc/{}/exe", pid).c_str(), &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

bool is_elf(const Execution& execution) {
  std::array<char, 4> magic{};
  const int fd = execution.overlay ? execution.overlay->fd() : execution.upper ? execution.upper->fd() : -1;
  return ::pread(fd, magic.data(), magic.size(), 0) == static_cast<ssize_t>(magic.size()) &&
         std::string_view(magic.data(), magic.size()) ==
             "\x7f"
             "ELF";
}

bool asked(const std::optional<kernel::ReadLease>& lease) { return lease && !lease->held(); }

}  // namespace

LeaseKeeper::LeaseKeeper(kernel::LateCloser& closer, bool signals)
    : closer_(closer), bell_(SIGURG, signals), thread_([this] { run(); }) {}

LeaseKeeper::~LeaseKeeper() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  bell_.ring();
  thread_.join();
}

void LeaseKeeper::keep(Execution execution) {
  const std::lock_guard lock(mutex_);
  arrived_.push_back(std::move(execution));
  if (std::exchange(idle_, false)) bell_.ring();
}

void LeaseKeeper::run() {
  bool idle = true;
  for (;;) {
    const bool urgent =
        std::any_of(kept_.begin(), kept_.end(), [](const Execution& e) { return asked(e.overlay) || asked(e.upper); });
    bell_.wait(idle ? std::nullopt : std::optional(urgent ? kLookWhileAsked : kLook));
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return;
      std::move(arrived_.begin(), arrived_.end(), std::back_inserter(kept_));
      arrived_.clear();
    }
    release_done();
    const std::lock_guard lock(mutex_);
    idle = idle_ = kept_.empty() && arrived_.empty();
  }
}

void LeaseKeeper::release_done() {
  const auto now = Steady::now();
  const auto done = std::stable_partition(kept_.begin(), kept_.end(),
                                          [now](const Execution& execution) { return !may_go(execution, now); });
  release(done, kept_.end());
  if (kept_.size() > kMostKept) {
    release(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(kept_.size() - kMostKept));
  }
}

/// The leases go now, for whoever waits to write.
void LeaseKeeper::release(std::vector<Execution>::iterator begin, std::vector<Execution>::iterator end) {
  std::vector<UniqueFd> files;
  for (auto one = begin; one != end; ++one) {
    for (auto* lease : {&one->overlay, &one->upper}) {
      if (*lease) files.push_back((*lease)->give_up());
    }
  }
  closer_.close(std::move(files));
  kept_.erase(begin, end);
}

bool LeaseKeeper::may_go(const Execution& execution, Steady::time_point now) {
  const auto age = now - execution.since;
  if (age >= kLongest || kernel::has_ended(execution.pidfd.get())) return true;
  if (runs_file(execution.pid, execution.device, execution.inode)) return true;
  return age >= kScript && !is_elf(execution);
}

}  // namespace holdfast::gate
