#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <set>

#include "holdfast/gate/gate.h"
#include "holdfast/kernel/file.h"
#include "holdfast/kernel/priority.h"

namespace holdfast::gate {
namespace {

constexpr auto kHeldLast = std::chrono::seconds(1);
constexpr std::size_t kMostGivenUp = 16;  ///< threads; each may hold a batch of descriptors

}  // namespace

void Gate::start_reader() {
  const auto reader = std::make_shared<Reader>();
  reader->index = static_cast<unsigned>(readers_.size());
  reader_.store(reader);
  readers_.emplace_back(reader, std::thread([this, reader] {
                          reader->thread.store(::gettid());
                          kernel::run_before_others();  // every container waits for its answers
                          run(reader);
                          reader->ended.store(true);
                        }));
}

/// The reader is held by something, most likely by the kernel's opening of an event's file. What it has in hand is
/// answered, and another one goes on: nobody else waits, and nothing is let through that the next one can judge.
void Gate::take_over_reading() {
  if (readers_.size() > kMostGivenUp) return fail("its threads are held again and again");
  const bool allow = answering().allow_on_deadline;
  const std::size_t answered = answer_unknown(allow);
  start_reader();
  dependencies_.on_stuck(answered, allow);
}

/// The group first: whoever waits goes on.
void Gate::fail(const std::string& why) {
  release();
  if (!failed_.exchange(true)) dependencies_.on_fatal(why);
}

/// Events that were read and are in nobody's list: the kernel knows them by their descriptors' numbers, and refuses
/// every other number (kernel fact 13).
std::size_t Gate::answer_unknown(bool allow) {
  std::set<int> known;
  {
    const std::lock_guard lock(orders_);
    for (const auto* order : {&overdue_order_, &barrier_order_}) {
      for (const auto& pending : order->all()) known.insert(pending->event.file.get());
    }
  }
  std::size_t answered = 0;
  for (const int fd : kernel::list_descriptors()) {
    if (known.contains(fd) || !group_.respond(fd, allow)) continue;
    table_.clear(fd);
    ++answered;
  }
  dependencies_.counters.deadlines_missed.fetch_add(answered, std::memory_order_relaxed);
  return answered;
}

/// Joins the threads that read, but for those that are held: nobody may wait for them.
void Gate::end_readers() {
  const auto patience = Steady::now() + kHeldLast;
  std::erase_if(readers_, [&](auto& one) {
    auto& [reader, thread] = one;
    while (!reader->ended.load() && Steady::now() < patience) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (!reader->ended.load()) return false;
    thread.join();
    return true;
  });
}

void Gate::run(const std::shared_ptr<Reader>& reader) {
  while (!stop_.load(std::memory_order_relaxed) && reader_.load() == reader) {
    const bool asked = asked_.exchange(false);
    const auto begin = Steady::now();
    const bool full = dependencies_.counters.pending.load(std::memory_order_relaxed) >= settings_.most_pending;
    std::array<pollfd, 2> fds{pollfd{wake_.get(), POLLIN, 0}, pollfd{full ? -1 : group_.fd(), POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), asked ? 0 : full ? 1 : next_timeout()) < 0 && errno != EINTR) {
      return fail(errno_error("wait for events").message);
    }
    reader->turns.fetch_add(1, std::memory_order_relaxed);
    reader->pulse.begin();
    if ((fds[0].revents & POLLIN) != 0) {
      std::uint64_t times = 0;
      (void)!::read(wake_.get(), &times, sizeof times);
      refresh_table(*reader);
    }
    const bool any = (fds[1].revents & POLLIN) != 0;
    if (asked && !any && !full) read_until_.store(begin);
    const bool goes_on = !any || read_events(*reader);
    answer_overdue();
    reader->pulse.end();
    if (!goes_on) return;
  }
}

/// False if the gate cannot go on. First of all, every event is noted in the table: whatever happens to us, the next
/// service then knows what it was about.
bool Gate::read_events(Reader& reader) {
  auto& events = reader.events;
  const auto begin = Steady::now();
  const auto read = group_.read(events, table_.begin_read(reader.index));
  reader.files.assign(events.size(), {});
  reader.looked_at.assign(events.size(), false);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto& event = events[i];
    reader.looked_at[i] = event.file && kernel::stat_without_asking(event.file.get(), reader.files[i]);
    if (event.is_permission()) {
      table_.note(event.file.get(), event.pid, event.mask, reader.looked_at[i] ? &reader.files[i] : nullptr);
    }
  }
  table_.end_read(reader.index);
  if (!read && read.error().code == EPROTO) {
    fail(read.error().message);
    return false;
  }
  if (!read) dependencies_.counters.kernel_denied.fetch_add(1, std::memory_order_relaxed);
  std::vector<UniqueFd> done;
  for (std::size_t i = 0; i < events.size(); ++i) {
    take(reader, events[i], reader.looked_at[i] ? &reader.files[i] : nullptr);
    done.push_back(std::move(events[i].file));  // empty where somebody has taken it
  }
  dependencies_.closer.close(std::move(done));
  if (read && events.size() < kernel::kEventsInABatch) read_until_.store(begin);
  return true;
}

bool Gate::has_read_until(Steady::time_point then) {
  if (read_until_.load() >= then) return true;
  asked_.store(true);
  wake();
  return false;
}

}  // namespace holdfast::gate
