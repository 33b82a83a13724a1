#include "holdfast/kernel/fork_events.h"

#include <cstddef>

#include <arpa/inet.h>

#include "proc_socket.h"

namespace holdfast::kernel {
namespace {

constexpr std::size_t kMostForksInABatch = 1024;
constexpr std::size_t kForkAt = kEventAt + offsetof(proc_event, event_data);
using ForkData = decltype(proc_event{}.event_data.fork);

}  // namespace

Result<ForkEvents> ForkEvents::open() {
  // New processes only: a new thread's id is not its group's.
  std::array<sock_filter, 8> filter{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kEventAt + offsetof(proc_event, what)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(kForkEvent), 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kForkAt + offsetof(ForkData, child_pid)),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kForkAt + offsetof(ForkData, child_tgid)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffffU),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
  auto socket = open_proc_socket(filter);
  if (!socket) return socket.error();
  return ForkEvents(std::move(*socket));
}

Result<void> ForkEvents::read(Batch& batch) const {
  batch.forks.clear();
  batch.lost = batch.more = false;
  while (batch.forks.size() < kMostForksInABatch) {
    const auto received = receive_proc_event(socket_.get());
    if (!received) return received.error();
    if (received->state == Received::State::empty) return {};
    if (received->state == Received::State::lost) batch.lost = true;
    if (!received->event || static_cast<std::uint32_t>(received->event->what) != kForkEvent) continue;
    const auto& fork = received->event->event_data.fork;
    batch.forks.push_back({fork.parent_tgid, fork.child_tgid,
                           Steady::time_point(std::chrono::nanoseconds(received->event->timestamp_ns))});
  }
  batch.more = true;
  return {};
}

}  // namespace holdfast::kernel
