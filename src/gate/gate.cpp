#include "holdfast/gate/gate.h"

#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "holdfast/kernel/file.h"

namespace holdfast::gate {
namespace {

constexpr unsigned kBarrierThreads = 4;
/// A container's executions rest (FairQueue) no longer than this part of their deadline.
constexpr int kRestOfPatience = 4;

}  // namespace

Result<std::unique_ptr<Gate>> Gate::create(const Settings& settings, Dependencies dependencies, EventTable table,
                                           std::optional<kernel::FanotifyGroup> group) {
  if (!group) {
    auto fresh = kernel::FanotifyGroup::create();
    if (!fresh) return fresh.error();
    group = std::move(*fresh);
  }
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return errno_error("eventfd");
  return std::unique_ptr<Gate>(
      new Gate(settings, std::move(dependencies), std::move(table), std::move(*group), std::move(wake)));
}

Gate::Gate(const Settings& settings, Dependencies dependencies, EventTable table, kernel::FanotifyGroup group,
           UniqueFd wake)
    : settings_(settings),
      answering_(settings.answering),
      dependencies_(std::move(dependencies)),
      table_(std::move(table)),
      group_(std::move(group)),
      wake_(std::move(wake)),
      runtimes_(std::make_shared<const RuntimeSet>()),
      leases_(dependencies_.closer, settings.lease_signals),
      interpreters_(table_.expectations()),
      denials_([this](Pending& pending) { respond(pending, false); }),
      self_(::getpid()) {}

Gate::~Gate() { (void)stop(); }

void Gate::start(unsigned workers) {
  workers_ = workers;
  start_reader();
  for (unsigned i = 0; i < kBarrierThreads; ++i) {
    threads_.emplace_back([this, &pulse = barrier_pulses_.emplace_back()] { run_barrier(pulse); });
  }
  watchdog_.emplace(Watchdog::Dependencies{
      .watched =
          [this] {
            const auto reader = reader_.load();
            return Watchdog::Watched{&reader->pulse, reader->thread.load()};
          },
      .patience = [this] { return deadline(); },
      .on_stuck = [this] { take_over_reading(); },
  });
}

void Gate::start_judging() {
  judging_.store(true, std::memory_order_release);
  for (unsigned i = 0; i < workers_; ++i) {
    threads_.emplace_back([this, &pulse = worker_pulses_.emplace_back()] { work(pulse); });
  }
}

bool Gate::stop() {
  if (stop_.exchange(true)) return readers_.empty();
  watchdog_.reset();
  wake();
  end_readers();
  if (settings_.handed_on) drain();
  denials_.end();
  group_.close();
  queue_.close();
  barrier_queue_.close();
  for (auto& thread : threads_) thread.join();
  return readers_.empty();
}

void Gate::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

void Gate::take(Reader& reader, kernel::FanotifyEvent& event, const struct stat* file) {
  auto& counters = dependencies_.counters;
  counters.events.fetch_add(1, std::memory_order_relaxed);
  if (event.is_overflow() || !event.file) {
    counters.overflows.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (file == nullptr) {
    hand_over(event, {}, nullptr, false);
    return;
  }
  const struct stat& st = *file;
  if (!event.is_execution()) {
    take_open(reader, event, st);
    return;
  }
  if (is_runtime(st.st_dev, st.st_ino)) {
    counters.barriers.fetch_add(1, std::memory_order_relaxed);
    hand_over(event, st, nullptr, true);
    return;
  }
  const auto* container = lookup(reader, st.st_dev);
  if (container != nullptr && settle_fast(event, st, container->get())) return;
  hand_over(event, st, container != nullptr ? *container : nullptr, false);
}

const std::shared_ptr<container::Container>* Gate::lookup(Reader& reader, dev_t device) const {
  refresh_table(reader);
  const auto found = reader.table->find(device);
  return found == reader.table->end() ? nullptr : &found->second;
}

void Gate::refresh_table(Reader& reader) const {
  const std::uint64_t generation = dependencies_.registry.generation();
  if (generation == reader.table_generation) return;
  reader.table = dependencies_.registry.table();
  reader.table_generation = generation;
}

/// Opens are many, and nearly all of them of data: settled here, unless it is of an ELF file that is not the image's.
void Gate::take_open(Reader& reader, kernel::FanotifyEvent& event, const struct stat& st) {
  if ((event.mask & FAN_CLOSE_WRITE) != 0) writes_.note(event.pid, st.st_dev, st.st_ino);
  const auto* container = lookup(reader, st.st_dev);
  if (may_be_library(event, st, container != nullptr ? container->get() : nullptr)) {
    hand_over(event, st, container != nullptr ? *container : nullptr, false);
  } else if (event.is_permission()) {
    reply(event.file.get(), true);
  }
}

/// Our own threads open files there, too, while others wait for them. Reading is safe: what other processes serve
/// (FUSE and the like) is never marked.
bool Gate::may_be_library(const kernel::FanotifyEvent& event, const struct stat& st,
                          const container::Container* container) const {
  if ((event.mask & (FAN_OPEN_PERM | FAN_OPEN)) == 0) return false;
  if (event.pid == self_ || !S_ISREG(st.st_mode) || st.st_size == 0) return false;
  if (container != nullptr && container->baseline()->is_image_code(identity_of(st))) return false;
  return kernel::begins_as_elf(event.file.get());
}

bool Gate::settle_fast(kernel::FanotifyEvent& event, const struct stat& st, container::Container* container) {
  const auto arrived = Steady::now();
  if (container->first_pid() == 0) return false;  // the first execution names the container: slow
  const Identity identity = identity_of(st);
  if (!container->baseline()->is_image_code(identity)) return false;
  if (container->has_prohibitions()) {
    const auto table = container->prohibitions_ready() ? container->prohibited() : nullptr;
    if (!table || table->contains(identity)) return false;
  }
  // Nobody has looked at it yet, or a loader that no program of this process asked for: slow.
  const auto role = container->baseline()->role(identity);
  if (!role || (*role == kernel::ElfRole::loader && !interpreters_.expects(event.pid))) return false;
  // For the net, which may find the file touched or replaced by the time it looks. An interpreter is no process's
  // program: one that becomes it has executed the loader itself.
  const bool is_program = *role != kernel::ElfRole::loader;
  if (is_program) dependencies_.exec_log.note(event.pid, st.st_dev, st.st_ino);
  // Before the answer: should we be killed after it, the next service must know.
  if (*role == kernel::ElfRole::program_dynamic) interpreters_.note(event.pid);
  if (event.is_permission() && !allow_image_code(event, st)) {
    if (is_program) dependencies_.exec_log.take_back(event.pid, st.st_dev, st.st_ino);
    if (*role == kernel::ElfRole::program_dynamic) (void)interpreters_.take(event.pid);
    return false;
  }
  if (*role == kernel::ElfRole::loader) {
    (void)interpreters_.take(event.pid);
    interpreters_.forget_taken(event.pid);
  }
  container->exec_count.fetch_add(1, std::memory_order_relaxed);
  dependencies_.counters.fast_allows.fetch_add(1, std::memory_order_relaxed);
  dependencies_.counters.latency.record(Steady::now() - arrived);
  return true;
}

/// False if somebody can write the file: its identity may be the image's no longer when it is executed.
bool Gate::allow_image_code(kernel::FanotifyEvent& event, const struct stat& st) {
  auto lease = kernel::ReadLease::take(event.file);
  if (!lease) return false;
  // Looked at again under the lease: a writer may have come and gone since.
  struct stat now {};
  const int fd = lease->fd();
  const bool same = ::fstat(fd, &now) == 0 && identity_of(now) == identity_of(st);
  if (!same) {
    event.file = lease->give_up();
    return false;
  }
  leases_.keep(
      {std::move(*lease), std::nullopt, std::move(event.pidfd), event.pid, st.st_dev, st.st_ino, Steady::now()});
  reply(fd, true);
  return true;
}

/// A storm in a detect-mode container must not keep events that somebody waits for out of our hands, nor another
/// container's notifications: once half of the room is taken, each may have its share and no more.
bool Gate::has_room_for_notification(const container::Container* container) const {
  const std::size_t in_hand = dependencies_.counters.pending.load(std::memory_order_relaxed);
  const std::size_t common = settings_.most_pending / 2;
  if (in_hand < common) return true;
  if (in_hand >= common + common / 2) return false;
  const auto load = queue_.load_of(container);
  return load.waiting < common / (load.lanes + 1);
}

void Gate::hand_over(kernel::FanotifyEvent& event, const struct stat& st,
                     std::shared_ptr<container::Container> container, bool barrier) {
  // Nobody waits for a notification: the loader's event may be here before its program's is judged. The judge takes
  // back what was not dynamic.
  if (!event.is_permission() && event.is_execution()) interpreters_.note(event.pid);
  if (!event.is_permission() && !has_room_for_notification(container.get())) {
    dependencies_.counters.notifications_lost.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  // Before anybody can answer, so before the execution that the net will see.
  auto pending = make_pending();
  if (event.is_execution()) pending->told = !note_execution(event, st);
  pending->device = st.st_dev;
  pending->inode = st.st_ino;
  pending->event = std::move(event);
  pending->container = std::move(container);
  pending->may_be_dynamic.store(!barrier);  // a runtime's process goes on as its container's first
  if (!pending->wants_answer()) table_.notifications().fetch_add(1, std::memory_order_relaxed);
  queue(std::move(pending), barrier);
}

/// False if the net has not waited for this notification any longer.
bool Gate::note_execution(const kernel::FanotifyEvent& event, const struct stat& st) const {
  auto& log = dependencies_.exec_log;
  if (!event.is_permission()) return log.note_unless_told(event.pid, st.st_dev, st.st_ino);
  log.note(event.pid, st.st_dev, st.st_ino);
  return true;
}

/// Whoever lets go of it last need not close its file himself.
std::shared_ptr<Pending> Gate::make_pending() {
  return {new Pending, [this](Pending* pending) {
            dependencies_.closer.close(std::move(pending->event.file));
            delete pending;
          }};
}

void Gate::queue(std::shared_ptr<Pending> pending, bool barrier) {
  pending->arrived = Steady::now();
  pending->deadline = deadline_of(pending->arrived, barrier);
  dependencies_.counters.pending.fetch_add(1, std::memory_order_relaxed);
  if (pending->wants_answer()) {
    const std::lock_guard lock(orders_);
    (barrier ? barrier_order_ : overdue_order_).put(pending);
  }
  if (barrier) {
    barrier_queue_.push(0, std::move(pending));
  } else {
    const container::Container* lane = pending->container.get();
    const auto latest = pending->arrived + (pending->deadline - pending->arrived) / kRestOfPatience;
    queue_.push(lane, std::move(pending), latest);
  }
}

void Gate::finish(Pending& pending) {
  answer(pending, true);  // whatever nobody has answered must not wait
  dependencies_.counters.pending.fetch_sub(1, std::memory_order_relaxed);
  if (!pending.wants_answer()) table_.notifications().fetch_sub(1, std::memory_order_relaxed);
}

void Gate::work(Pulse& pulse) {
  while (const auto pending = queue_.pop()) {
    pulse.begin();
    dependencies_.counters.slow_verdicts.fetch_add(1, std::memory_order_relaxed);
    const auto begin = thread_time();
    dependencies_.judge(*this, pending);
    // What is denied is no use to anybody, and may come as a storm.
    if (pending->container && !pending->allowed.load()) queue_.charge(pending->container.get(), thread_time() - begin);
    finish(*pending);
    pulse.end();
  }
}

void Gate::run_barrier(Pulse& pulse) {
  while (const auto pending = barrier_queue_.pop()) {
    pulse.begin();
    dependencies_.barrier(*pending);
    finish(*pending);
    pulse.end();
  }
}

}  // namespace holdfast::gate
