#include "holdfast/kernel/proc_connector.h"

#include <array>
#include <bit>
#include <cstddef>

#include <arpa/inet.h>

#include "proc_socket.h"

namespace holdfast::kernel {
namespace {

constexpr std::size_t kMostExecutedInABatch = 256;

}  // namespace

Result<ProcConnector> ProcConnector::open(Share share) {
  // Lets this share's executions pass. Of the processor the filter looks at the lowest byte.
  constexpr std::size_t kLowest = std::endian::native == std::endian::little ? 0 : sizeof(__u32) - 1;
  std::array<sock_filter, 7> filter{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kEventAt + offsetof(proc_event, what)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(kExecEvent), 0, 4),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kEventAt + offsetof(proc_event, cpu) + kLowest),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, share.count - 1),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, share.index, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffffU),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
  auto socket = open_proc_socket(filter);
  if (!socket) return socket.error();
  return ProcConnector(std::move(*socket));
}

Result<void> ProcConnector::read(Batch& batch) const {
  batch.executed.clear();
  batch.lost = batch.more = false;
  batch.oldest.reset();
  while (batch.executed.size() < kMostExecutedInABatch) {
    const auto received = receive_proc_event(socket_.get());
    if (!received) return received.error();
    if (received->state == Received::State::empty) return {};
    if (received->state == Received::State::lost) batch.lost = true;
    if (!received->event || static_cast<std::uint32_t>(received->event->what) != kExecEvent) continue;
    batch.executed.push_back(received->event->event_data.exec.process_tgid);
    // The kernel's monotonic clock, as Steady.
    if (!batch.oldest) batch.oldest = Steady::time_point(std::chrono::nanoseconds(received->event->timestamp_ns));
  }
  batch.more = true;
  return {};
}

}  // namespace holdfast::kernel
