#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/clock.h"
#include "holdfast/base/identity.h"
#include "holdfast/container/container.h"
#include "holdfast/kernel/fork_events.h"

namespace holdfast::gate {

/// A process in a container while it runs one program. Immutable, shared by all that came of it.
struct Program {
  pid_t pid = 0;
  pid_t parent_pid = 0;
  std::optional<uid_t> uid;
  std::string exe;
  std::vector<std::string> cmdline;
  dev_t device = 0;  ///< with `identity`: the executed file, as fstat(2) told then; 0: not known
  Identity identity;
  std::weak_ptr<container::Container> container;
  Steady::time_point at;                  ///< when it was executed
  std::shared_ptr<const Program> parent;  ///< as it was at that moment; a few levels only
  unsigned depth = 0;                     ///< how many parents can be followed
};

/// What processes in containers have executed lately: a writer is often gone before anybody can ask /proc who it was.
/// A process that was forked and has executed nothing yet goes by its parent's program. Bounded in number and bytes:
/// the oldest are forgotten, and when the arguments of many take too much room, new ones are kept without theirs. Any
/// thread; never waits for slow work.
class ExecHistory {
 public:
  using Shared = std::shared_ptr<const Program>;
  struct Limits {
    std::size_t sets = 4096;                    ///< of four processes each
    std::size_t bytes = std::size_t{24} << 20;  ///< of what is alive, in here or held by others
  };
  ExecHistory() : ExecHistory(Limits()) {}
  explicit ExecHistory(Limits limits);

  /// Finds the parent, and keeps it.
  Shared note(Program program);
  /// It has executed something that nobody could look at in time: what it ran before says nothing any more.
  void note_unknown(pid_t pid, Steady::time_point now = Steady::now());
  void note_forks(const std::vector<kernel::ForkEvents::Fork>& forks);
  /// Forks are not known any more: whoever has a pid of ours now may be another process.
  void forget_all();

  /// What the process runs now; null: nothing is known.
  [[nodiscard]] Shared who(pid_t pid);

  /// Its parents, nearest first, as far as they are known.
  [[nodiscard]] std::vector<Shared> ancestors(const Shared& program);

  static constexpr std::size_t kMostArguments = 1024;  ///< bytes of a process's arguments that are worth keeping
  [[nodiscard]] std::size_t bytes() const { return bytes_->load(std::memory_order_relaxed); }

 private:
  struct Forked {
    pid_t parent = 0;
    pid_t child = 0;  ///< 0: free
    Steady::time_point at;
  };
  static constexpr std::size_t kWays = 4;
  [[nodiscard]] std::size_t index(pid_t pid) const { return static_cast<std::size_t>(pid) % limits_.sets; }
  // Under the lock.
  Shared put(Program program);
  [[nodiscard]] const Shared* executed(pid_t pid) const;
  [[nodiscard]] const Forked* forked(pid_t pid) const;
  [[nodiscard]] Shared who_was(pid_t pid, Steady::time_point then, unsigned level);

  const Limits limits_;
  const std::shared_ptr<std::atomic<std::size_t>> bytes_ = std::make_shared<std::atomic<std::size_t>>(0);
  std::mutex mutex_;
  std::vector<std::array<Shared, kWays>> programs_;
  std::vector<std::array<Forked, kWays>> forks_;
};

}  // namespace holdfast::gate
