#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "holdfast/base/clock.h"
#include "holdfast/container/container.h"
#include "holdfast/verdict/facts.h"

namespace holdfast::gate {

/// The facts about one file, with the image's file at that path, and (for `explain`) each step in words.
struct Examination {
  verdict::Facts facts;
  std::optional<baseline::ImageFile> image_file;
  std::vector<std::string> steps;
  bool timed_out = false;  ///< the deadline came first: `facts` are what was known by then
};

/// Finds out what a file is to a container's image with as little reading as possible (design.md, "How an execution
/// flows", steps 2 to 4). Slow path: reads directories and files, takes a lease on the upper file. `pid` is the process
/// in whose mount namespace the file was named (0: only the container's own root mount is considered).
[[nodiscard]] Examination examine(const container::Container& container, int file, pid_t pid,
                                  Steady::time_point deadline);

}  // namespace holdfast::gate
