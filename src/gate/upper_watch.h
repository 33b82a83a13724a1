#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "holdfast/base/clock.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/container/registry.h"
#include "holdfast/gate/writers.h"
#include "holdfast/kernel/late_closer.h"
#include "holdfast/kernel/name_events.h"

namespace holdfast::gate {

/// Follows the directories of containers' upper layers (and of roots without layers), on the host's side: an overlay as
/// a whole reports neither chmod nor renaming (kernel fact 9), its upper layer's directories do, with the pid of the
/// container's process. New directories are followed as they come. Bounded. `follow` from any thread, the rest from
/// one.
class UpperWatch {
 public:
  using Weak = std::weak_ptr<container::Container>;
  /// Something happened to a regular file of an upper layer.
  struct Change {
    pid_t pid = 0;
    FileVersion file;  ///< in the upper layer
    bool executable = false;
    bool created = false, attributes = false, renamed = false, linked = false;
  };

  /// `most`: directories at a time, each of which costs a descriptor; a quarter of them for one container.
  UpperWatch(const container::Registry& registry, kernel::LateCloser& closer, kernel::NameEvents events,
             std::size_t most)
      : registry_(registry), closer_(closer), events_(std::move(events)), most_(most) {}

  [[nodiscard]] int fd() const { return events_.fd(); }
  /// Takes a directory of the container, with all below it, as soon as the thread has time (`step`).
  void follow(const std::shared_ptr<container::Container>& container, UniqueFd directory);

  /// Marks some of what waits; false if nothing does.
  bool step();
  /// False if there was nothing to read. `lost` tells of a full queue.
  bool read(bool& lost);
  /// Of what was read last.
  void tell(const std::function<void(const Change&)>& take);
  /// Now and then lets go of directories that were deleted, which our descriptors keep: a container on a plain
  /// directory counts as removed when nothing holds its root any more.
  void tidy();
  /// Lets go of containers that the registry has no more, or that are not guarded any more.
  void sweep();

 private:
  struct Directory {
    Weak container;
    kernel::LateFd fd;  ///< for reading, so that files can be opened by handle beside it
  };
  void watch(Directory directory);
  void take_directory(const Directory& parent, const std::string& name);
  [[nodiscard]] bool has_room(const Weak& container);
  [[nodiscard]] bool is_gone(const Weak& container) const;

  const container::Registry& registry_;
  kernel::LateCloser& closer_;
  const kernel::NameEvents events_;
  const std::size_t most_;
  std::atomic<std::size_t> count_{0};  ///< of watched_, for `follow`
  Steady::time_point tidied_{};
  std::unordered_map<std::string, Directory> watched_;  ///< by handle
  kernel::NameEvents::Batch batch_;
  std::mutex mutex_;
  std::deque<Directory> waiting_;  ///< under the mutex
};

}  // namespace holdfast::gate
