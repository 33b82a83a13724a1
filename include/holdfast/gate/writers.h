#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <memory>
#include <optional>

#include "holdfast/alert/alert.h"
#include "holdfast/base/clock.h"
#include "holdfast/base/identity.h"
#include "holdfast/base/result.h"
#include "holdfast/container/container.h"
#include "holdfast/container/membership.h"
#include "holdfast/container/registry.h"
#include "holdfast/gate/counters.h"
#include "holdfast/gate/exec_history.h"
#include "holdfast/kernel/late_closer.h"

namespace holdfast::gate {

/// Who had a hand in a file, and what their program was at that moment.
struct Writer {
  alert::WriterInfo info;
  dev_t exe_device = 0;   ///< of the program, as fstat(2) told when it was executed; 0: not known
  Identity exe_identity;  ///< likewise
  bool own = false;       ///< the container's first process, or one that comes from it; not somebody who entered
};

/// Which version of a file: the inode by its birth, too, since numbers of inodes are given again.
struct FileVersion {
  dev_t device = 0;
  ino_t inode = 0;
  FileTime birth = 0;  ///< 0 where the file system keeps none
  FileTime ctime = 0;
};
/// Of an open file (O_PATH will do), without asking whoever serves its file system.
[[nodiscard]] std::optional<FileVersion> version_of(int file);

[[nodiscard]] FileVersion version_from(const struct statx& found);

/// What is known of how a file came to be as it is.
struct Trace {
  /// Who last wrote its content; if that is not known, who last linked, renamed or made it executable.
  std::optional<Writer> writer;
  /// Who gave it its x bits, if it was another process than the writer.
  std::optional<Writer> made_executable;
  /// The file has not changed since `writer` did what it did (its ctime is the one seen then). False if it was touched
  /// later, by whom is not known: then `writer` is for people, and no reason to trust the file.
  bool certain = false;
  /// The content is the container's own work (`Writer::own`), and nobody else has touched the file since.
  bool own_work = false;
};

/// Whether the program that wrote is the container's image's own file at that path (`info.exe`), unchanged when it was
/// executed. Slow path: may look the path up in the image view.
[[nodiscard]] bool is_image_program(const container::Container& container, const Writer& writer);

/// Knows who last wrote the files of protected containers, and who renamed, linked or made executable those of their
/// upper layers. Groups of its own, of notifications only: nobody ever waits for them. What it could not see or keep is
/// not known, and never guessed. Any thread.
class Writers {
 public:
  struct Dependencies {
    container::Registry& registry;
    const container::Membership& membership;
    ExecHistory& history;
    Counters& counters;
    kernel::LateCloser& closer;
  };
  /// Its thread runs from here on.
  [[nodiscard]] static Result<std::unique_ptr<Writers>> create(const Dependencies& dependencies);
  virtual ~Writers() = default;

  /// As container::Marker's functions, for the container's present mode: in mode off nothing is followed. A root's
  /// upper layer is walked later, by the thread.
  virtual Result<void> follow_root(int root, const container::Container& container) = 0;
  virtual Result<void> follow_mount(int fd, const container::Container& container) = 0;
  virtual Result<void> follow_directory(int directory, const container::Container& container) = 0;

  /// Takes a lock for an instant, reads nothing. `upper`: the upper layer's own file, where it is known; without it
  /// nothing is known of renaming, linking and chmod.
  [[nodiscard]] virtual Trace trace(const FileVersion& file, const std::optional<FileVersion>& upper) const = 0;
  [[nodiscard]] Trace trace(const FileVersion& file) const { return trace(file, std::nullopt); }

  /// Waits until everything that has happened until now has been taken in, as far as it was seen at all. False at the
  /// deadline. Never from the gate's thread.
  virtual bool catch_up(Steady::time_point deadline) = 0;
};

}  // namespace holdfast::gate
