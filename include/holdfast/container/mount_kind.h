#pragma once

#include <string>
#include <string_view>

#include "holdfast/kernel/mountinfo.h"

namespace holdfast::container {

/// What a mount in a container shows (design.md, "Mediation beyond the root filesystem").
enum class MountKind {
  root,    ///< the container's root file system, or a part of it
  bare,    ///< a file system without files that could execute: proc, sysfs, cgroup …
  own,     ///< a superblock that nobody outside the container has mounted
  shared,  ///< a volume: mounted on the host or in another container, too
};

/// File systems of the kernel's own that hold no regular files to execute.
[[nodiscard]] bool holds_no_programs(std::string_view type);

/// Local file systems, whose files open without anybody else's help. Reading an event opens the file in our own thread,
/// so a file system that a user or another machine serves (FUSE, NFS, 9p …) must never be marked: it could hold the
/// gate. Overlays count only if they were not mounted by the container itself: their layers may be such a file system.
[[nodiscard]] bool opens_locally(std::string_view type);

/// Whether a mount, and the superblock below it, can be written.
[[nodiscard]] bool is_writable(const kernel::Mount& mount);

/// Whether the kernel refuses to execute anything from the mount (noexec).
[[nodiscard]] bool forbids_executions(const kernel::Mount& mount);

/// Whether `path` is `directory` or below it; both absolute.
[[nodiscard]] bool lies_below(std::string_view path, std::string_view directory);

/// `path`, which lies below `from`, with `to` in its place; all absolute.
[[nodiscard]] std::string rebase(std::string_view path, std::string_view from, std::string_view to);

}  // namespace holdfast::container
