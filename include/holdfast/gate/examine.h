#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/clock.h"
#include "holdfast/baseline/baseline.h"
#include "holdfast/container/container.h"
#include "holdfast/container/mounts.h"
#include "holdfast/kernel/elf.h"
#include "holdfast/kernel/lease.h"
#include "holdfast/policy/policy.h"
#include "holdfast/verdict/facts.h"

namespace holdfast::gate {

/// The facts about one file, with the image's file at that path, and (for `explain`) each step in words.
struct Examination {
  verdict::Facts facts;
  std::string shown_path;  ///< for people; `facts.path` is for rules and empty where it cannot be trusted
  std::optional<baseline::ImageFile> image_file;
  std::optional<kernel::ElfLook> elf;  ///< nothing if it could not be read
  std::vector<std::string> steps;
  /// Proof that nobody writes the file: the verdict holds as long as these are held. On the file itself, if it was
  /// asked for; and on the upper layer's real file where content was compared (kernel fact 20).
  std::optional<kernel::ReadLease> overlay_lease, upper_lease;
  bool timed_out = false;  ///< the deadline came first: `facts` are what was known by then
};

/// Finds out what a file is to a container's image with as little reading as possible (design.md, "How an execution
/// flows", steps 2 to 4). Slow path: reads directories and files, takes a lease on the upper file. `pid` is the process
/// in whose mount namespace the file was named.
struct ExamineOptions {
  bool want_hash = false;  ///< hash the file even where the verdict would not need it, for rules that ask for a hash
  bool hold = false;       ///< an execution waits for the verdict: take `overlay_lease` before anything is looked at
  Steady::time_point deadline;
  bool library = false;  ///< opened, not executed: x bits do not matter, and only the image's file at that path does
};
[[nodiscard]] Examination examine(const container::Container& container, int file, pid_t pid,
                                  const ExamineOptions& options);

/// The facts about a file that does not lie on the container's root: on a volume, on a tmpfs or other file system of
/// the container's own. Nothing there is the image's, so nothing is compared; it is read only where a rule asks for a
/// hash and the file system is local, under a lease.
[[nodiscard]] Examination examine_elsewhere(const container::Container& container, container::Mounts& mounts, int file,
                                            pid_t pid, const ExamineOptions& options);

/// Whether any rule of the policy, or its [Seal], asks for a hash.
[[nodiscard]] bool wants_hash(const policy::Policy& policy);

}  // namespace holdfast::gate
