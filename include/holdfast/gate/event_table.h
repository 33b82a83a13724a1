#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "holdfast/base/clock.h"
#include "holdfast/base/identity.h"
#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/kernel/fanotify.h"

namespace holdfast::gate {

/// A permission event that a service had read, and not answered yet when it ended. Its file is gone with that process;
/// its number still is what the kernel knows the event by (kernel fact 13).
struct InHand {
  int number = -1;
  pid_t pid = 0;
  std::uint64_t mask = 0;
  /// Whether the file was looked at before the process ended; what follows then says which it is.
  bool looked_at = false;
  dev_t device = 0;
  Identity identity;
};

/// The table of events in hand, in a memory file that outlives the process: whoever takes it over together with the
/// fanotify group answers what was left. By descriptor number, so noting and clearing are a store each. The file is
/// sealed in size; what it holds is checked when it is taken over, and believed no further than a number, a pid and an
/// identity can be proven again. Noted by the thread that reads the group, cleared by whoever answers.
class EventTable {
 public:
  /// Numbers that have a place. The limit of descriptors must not be above.
  static constexpr std::size_t kNumbers = std::size_t{1} << 19;
  /// Threads that may read the group at a time: one, and those that a watchdog has given up.
  static constexpr unsigned kReaders = 32;
  static constexpr std::size_t kExpectations = std::size_t{1} << 16;

  [[nodiscard]] static Result<EventTable> create();
  /// EINVAL for anything but a table of this version.
  [[nodiscard]] static Result<EventTable> adopt(UniqueFd file);
  EventTable(EventTable&& other) noexcept;
  EventTable& operator=(EventTable&& other) noexcept;
  ~EventTable();

  [[nodiscard]] int fd() const { return file_.get(); }
  /// Gives the file itself a number above this one, if there is room.
  void move_above(int number);
  /// One more than the highest number that was ever noted.
  [[nodiscard]] int numbers_used() const noexcept;

  /// Where `reader` lets the kernel write events to: what it was in the middle of is known, too. Until `end_read`.
  [[nodiscard]] std::span<std::byte> begin_read(unsigned reader) noexcept;
  /// Everything that was read has been noted.
  void end_read(unsigned reader) noexcept;
  /// With what the kernel knows of the file, if it could be asked.
  void note(int number, pid_t pid, std::uint64_t mask, const struct stat* file) noexcept;
  void clear(int number) noexcept;

  /// What was left, by number; keeps a note of each, also of what was found in a reader's buffer only.
  [[nodiscard]] std::vector<InHand> take_over();

  /// Notifications in hand: nobody waits for them, but they are lost with the process.
  [[nodiscard]] std::atomic<std::uint32_t>& notifications() noexcept;
  /// When the table's owner was alive last.
  [[nodiscard]] std::atomic<std::int64_t>& alive() noexcept;  ///< nanoseconds since the epoch
  /// For InterpreterOrder.
  [[nodiscard]] std::span<std::atomic<std::uint64_t>> expectations() noexcept;

 private:
  struct Layout;
  EventTable(UniqueFd file, Layout* layout) : file_(std::move(file)), layout_(layout) {}
  [[nodiscard]] static Result<EventTable> map(UniqueFd file);
  void take_over_buffers();

  UniqueFd file_;
  Layout* layout_;
};

}  // namespace holdfast::gate
