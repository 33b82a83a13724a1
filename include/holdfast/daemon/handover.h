#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/clock.h"
#include "holdfast/gate/event_table.h"
#include "holdfast/kernel/fanotify.h"

namespace holdfast::daemon {

/// What a service that ended has left in systemd's store of descriptors (sd_listen_fds(3), FileDescriptorStoreMax=):
/// the fanotify group, whose marks hold on, and the table of the events that it had read. Without a store, or with
/// nothing in it: empty.
struct Handover {
  std::optional<kernel::FanotifyGroup> group;
  std::optional<gate::EventTable> table;
  std::vector<gate::InHand> in_hand;  ///< a descriptor of ours holds each number
  std::uint32_t notifications = 0;    ///< of detect-mode containers, read and lost
  Wall::time_point alive{};           ///< when the other service was there last; the epoch: not known
  std::vector<std::string> problems;  ///< to be told: what could not be taken over, and what followed from it
};

/// To be called first of all in the process: the events' numbers must not come to mean something else. `allow` answers
/// events that nothing is known of.
[[nodiscard]] Handover take_handover(bool allow);

/// Whether somebody may keep descriptors for us.
[[nodiscard]] bool has_store();
/// From here on the next service can take over.
void store(const kernel::FanotifyGroup& group, const gate::EventTable& table);
/// No service is to take over: with our own end everybody who waits goes on.
void empty_store();

/// Raises the limit of descriptors as far as it goes, and returns it. First called before there is a second thread: the
/// kernel makes room in the table now, since whoever opens a file later, in a process with several threads, waits some
/// ten milliseconds (a grace period of RCU) whenever the table has to grow.
std::size_t raise_descriptor_limit();

}  // namespace holdfast::daemon
