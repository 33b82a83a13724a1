#pragma once

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::kernel {

// A socket on the kernel's process events (linux/cn_proc.h), for whatever kind of them.

/// PROC_EVENT_… by their numbers: newer kernels' headers have them in another scope.
inline constexpr std::uint32_t kForkEvent = 1;
inline constexpr std::uint32_t kExecEvent = 2;
/// Where the event begins in a datagram.
inline constexpr std::size_t kEventAt = NLMSG_HDRLEN + sizeof(cn_msg);

/// Subscribed, with what the filter lets pass only. The filter loads numbers in the network's byte order, the kernel
/// writes them in the machine's.
[[nodiscard]] Result<UniqueFd> open_proc_socket(std::span<sock_filter> filter);

struct Received {
  std::optional<proc_event> event;
  enum class State { got, lost, empty } state = State::empty;
};
/// The next event; `got` without one is a message of somebody else's.
[[nodiscard]] Result<Received> receive_proc_event(int socket);

}  // namespace holdfast::kernel
