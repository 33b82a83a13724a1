#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/container/discovery.h"
#include "holdfast/container/registry.h"
#include "holdfast/gate/counters.h"
#include "holdfast/gate/deadline_order.h"
#include "holdfast/gate/denial_batch.h"
#include "holdfast/gate/event_table.h"
#include "holdfast/gate/exec_log.h"
#include "holdfast/gate/fair_queue.h"
#include "holdfast/gate/interpreter_order.h"
#include "holdfast/gate/lease_keeper.h"
#include "holdfast/gate/pending.h"
#include "holdfast/gate/watchdog.h"
#include "holdfast/kernel/fanotify.h"
#include "holdfast/kernel/late_closer.h"

namespace holdfast::gate {

/// When a verdict is late, and what is answered then. One word, to be replaced as a whole while the gate runs; its
/// alignment says so to compilers that would take a lock for any other.
struct alignas(std::uint64_t) Answering {
  std::chrono::duration<std::uint32_t, std::milli> deadline{500};
  bool allow_on_deadline = true;
};

/// The gate: owns the fanotify group, its marks, the thread that reads and answers, and the deadlines. Image code is
/// answered there and then; everything else goes to workers, and is answered by whoever comes first: the worker, or
/// this thread at the deadline. Nothing here logs, reads policy files or waits for a lock that slow work holds.
class Gate final : public container::Marker {
 public:
  struct Settings {
    Answering answering;
    std::chrono::milliseconds barrier_deadline{30'000};  ///< a snapshot is captured completely behind the barrier
    bool lease_signals = false;                          ///< see LeaseKeeper
    std::size_t most_pending = 4096;  ///< events in hand; beyond that they wait in the kernel, where they cost no fd
    /// Somebody else may hold the group, too, and hand it to the next service: who waits at our end waits for that one.
    bool handed_on = false;
  };
  struct Dependencies {
    container::Registry& registry;
    Counters& counters;
    kernel::LateCloser& closer;
    ExecLog& exec_log;  ///< gets every execution that an event came for
    /// Whether any policy in effect has Mode=prevent (see container::Container::provisional).
    std::function<bool()> any_prevents;
    /// Settles one event that is not image code; calls `answer` as soon as the verdict is known. Runs on a worker.
    std::function<void(Gate&, const std::shared_ptr<Pending>&)> judge;
    /// A process is about to execute a runtime. Runs on a barrier thread; the gate answers when it returns.
    std::function<void(const Pending&)> barrier;
    /// The gate cannot go on (the group is closed already: everything pending runs). Runs on the gate's thread.
    std::function<void(const std::string&)> on_fatal;
    /// The gate's thread was held for longer than the deadline; another one has taken over, and `answered` executions
    /// that the first had in hand were answered as configured. Runs on the watchdog's thread.
    std::function<void(std::size_t answered, bool allowed)> on_stuck;
  };

  /// With the group and the table of a service that ended, or new ones.
  [[nodiscard]] static Result<std::unique_ptr<Gate>> create(const Settings& settings, Dependencies dependencies,
                                                            EventTable table,
                                                            std::optional<kernel::FanotifyGroup> group);
  ~Gate() override;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  /// Reads and answers what needs no judge; runtimes pass the barrier.
  void start(unsigned workers);
  /// From here on what waits for a judge is judged. Apart from `start` where the group was taken over: its events come
  /// from containers that must be found first.
  void start_judging();
  /// What was in hand when the service before us ended. Each number must be held by a descriptor of ours, which the
  /// gate takes over. After `set_runtimes`.
  void take_over(const std::vector<InHand>& events);
  /// Closes the group first, so that nobody waits, or, if it is handed on, answers what is in hand and leaves the rest
  /// to the next service; then ends the threads. False if one is left behind that the watchdog had given up and that is
  /// still held: the process must then end without destroying the gate.
  [[nodiscard]] bool stop();
  /// Lets everybody go, for good: for an end after which no service comes. Whoever else holds the group must close it,
  /// too, for the sake of those whose events nobody has read.
  void release();

  /// What keeps the gate from its work, as a sentence; nothing: it answers. To be asked every few seconds, since it
  /// tells whether the gate's thread has come around since the last time. One thread.
  [[nodiscard]] std::optional<std::string> trouble();

  /// For executions that come from now on; those in hand keep their deadline. Any thread.
  void set_answering(Answering answering) { answering_.store(answering, std::memory_order_relaxed); }
  [[nodiscard]] Answering answering() const { return answering_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::chrono::milliseconds deadline() const { return answering().deadline; }

  /// Containers have been forgotten: the gate's thread lets go of them now, not with the next event. Any thread.
  void forget() { wake(); }

  /// What must stay unwritten until it is executed.
  [[nodiscard]] LeaseKeeper& leases() { return leases_; }
  /// Whether everything that the kernel had for the gate at that moment was read and noted in the ExecLog by now. If
  /// not, it soon will be.
  [[nodiscard]] bool has_read_until(Steady::time_point then);
  /// Whether the process has closed the file after writing it, since that moment, as far as events have been read.
  [[nodiscard]] bool has_written(pid_t pid, dev_t device, ino_t inode, Steady::time_point since) {
    return writes_.seen_since(pid, device, inode, since);
  }

  /// Which processes execute a dynamic program, and so its interpreter next.
  [[nodiscard]] InterpreterOrder& interpreters() { return interpreters_; }

  /// Answers once; later calls for the same event do nothing. A denial of a container that rests is given with others
  /// of its kind (DenialBatch). Any thread.
  void answer(Pending& pending, bool allow);
  /// To be called every hundred microseconds of work for an event: if its container is one that rests (FairQueue),
  /// whoever waits for this processor goes on first. A worker; sleeps for an instant.
  void let_others_run(const Pending& pending) const;
  /// Answers as configured for a verdict that does not come in time, and counts it. Any thread.
  void answer_by_deadline(Pending& pending, bool barrier = false);

  Result<void> mark_root(int root, const container::Container& container) override;
  Result<void> mark_directory(int directory, const container::Container& container) override;
  Result<void> mark_mount(int fd, const container::Container& container) override;
  /// Replaces the set of runtime binaries: inode marks on each descriptor, whose device and inode name it from then on.
  /// `gone`: those that were in the set and no longer are.
  void set_runtimes(const std::vector<int>& binaries, const std::vector<int>& gone);

  [[nodiscard]] bool is_runtime(dev_t device, ino_t inode) const;

  [[nodiscard]] const kernel::FanotifyGroup& group() const { return group_; }
  [[nodiscard]] EventTable& table() { return table_; }

 private:
  /// What belongs to the thread that reads the group. The watchdog may put another one in its place.
  struct Reader {
    unsigned index = 0;  ///< of its buffer in the table of events
    Pulse pulse;
    std::atomic<std::uint64_t> turns{0};
    std::atomic<pid_t> thread{0};
    std::atomic<bool> ended{false};
    std::vector<kernel::FanotifyEvent> events;  ///< this batch's
    std::vector<struct stat> files;
    std::vector<bool> looked_at;
    std::shared_ptr<const container::Registry::Table> table;  ///< this thread's own snapshot
    std::uint64_t table_generation = ~0ULL;
  };
  using RuntimeSet = std::vector<std::pair<dev_t, ino_t>>;

  Gate(const Settings& settings, Dependencies dependencies, EventTable table, kernel::FanotifyGroup group,
       UniqueFd wake);
  void run(const std::shared_ptr<Reader>& reader);
  [[nodiscard]] bool read_events(Reader& reader);
  void start_reader();
  void end_readers();
  void take_over_reading();
  void fail(const std::string& why);
  [[nodiscard]] std::size_t answer_unknown(bool allow);
  void wake();
  void refresh_table(Reader& reader) const;
  // These leave the file in the event if nobody needs it any more.
  void take(Reader& reader, kernel::FanotifyEvent& event, const struct stat* file);
  void take_open(Reader& reader, kernel::FanotifyEvent& event, const struct stat& st);
  [[nodiscard]] bool may_be_library(const kernel::FanotifyEvent& event, const struct stat& st,
                                    const container::Container* container) const;
  [[nodiscard]] bool settle_fast(kernel::FanotifyEvent& event, const struct stat& st, container::Container* container);
  [[nodiscard]] bool allow_image_code(kernel::FanotifyEvent& event, const struct stat& st);
  [[nodiscard]] const std::shared_ptr<container::Container>* lookup(Reader& reader, dev_t device) const;
  [[nodiscard]] bool has_room_for_notification(const container::Container* container) const;
  void hand_over(kernel::FanotifyEvent& event, const struct stat& st, std::shared_ptr<container::Container> container,
                 bool barrier);
  [[nodiscard]] bool is_charged(const Pending& pending) const;
  void respond(Pending& pending, bool allow);
  void reply(int number, bool allow);
  [[nodiscard]] bool note_execution(const kernel::FanotifyEvent& event, const struct stat& st) const;
  [[nodiscard]] std::shared_ptr<Pending> make_pending();
  void queue(std::shared_ptr<Pending> pending, bool barrier);
  void finish(Pending& pending);
  void answer_overdue();
  void drain();
  [[nodiscard]] Steady::time_point deadline_of(Steady::time_point arrived, bool barrier) const;
  [[nodiscard]] int next_timeout();
  void work(Pulse& pulse);
  void run_barrier(Pulse& pulse);
  [[nodiscard]] std::uint64_t mask_for(const container::Container& container) const;
  Result<void> apply_mask(int fd, const container::Container& container, std::uint64_t extra,
                          Result<void> (kernel::FanotifyGroup::*add)(int, std::uint64_t) const,
                          Result<void> (kernel::FanotifyGroup::*remove)(int, std::uint64_t) const);

  const Settings settings_;
  std::atomic<Answering> answering_;
  static_assert(std::atomic<Answering>::is_always_lock_free);
  const Dependencies dependencies_;
  EventTable table_;
  kernel::FanotifyGroup group_;
  UniqueFd wake_;  ///< eventfd: stop, or look at the registry again

  std::atomic<std::shared_ptr<Reader>> reader_;  ///< the present one
  std::atomic<std::shared_ptr<const RuntimeSet>> runtimes_;
  std::mutex orders_;  ///< the next two; held for an instant, by the gate's thread and the watchdog's only
  DeadlineOrder overdue_order_, barrier_order_;
  FairQueue<const container::Container*, std::shared_ptr<Pending>> queue_;
  FairQueue<int, std::shared_ptr<Pending>> barrier_queue_;
  LeaseKeeper leases_;
  InterpreterOrder interpreters_;
  DenialBatch denials_;
  ExecLog writes_;  ///< of files that were closed after writing, in detect-mode containers that judge libraries
  const pid_t self_;
  std::atomic<bool> stop_{false}, failed_{false};
  std::atomic<bool> judging_{false};
  std::atomic<bool> asked_{false};                  ///< whether everything was read
  std::atomic<Steady::time_point> read_until_{{}};  ///< everything that was there then was read
  unsigned workers_ = 0;
  std::deque<Pulse> worker_pulses_, barrier_pulses_;
  std::pair<std::shared_ptr<Reader>, std::uint64_t> last_turn_{nullptr, 0};  ///< of `trouble`
  std::vector<std::thread> threads_;
  std::vector<std::pair<std::shared_ptr<Reader>, std::thread>> readers_;  ///< the present one is the last
  std::optional<Watchdog> watchdog_;
};

}  // namespace holdfast::gate
