#pragma once

#include <sys/types.h>

namespace holdfast::gate {

/// Where nobody waits for us (detect mode), an opened file may be complete by the time it is looked at: was it opened
/// to be mapped, or has its writer just written it? What the process does with it now tells. Both read /proc of a
/// process that may be gone, and never wait for a file system.

/// Whether the process has the file mapped. By inode number alone: before Linux 6.8 the table names the layer's device.
[[nodiscard]] bool has_mapped(int proc_dir, ino_t inode);

/// Whether the process has the file open for writing.
[[nodiscard]] bool has_open_for_writing(int proc_dir, dev_t device, ino_t inode);

}  // namespace holdfast::gate
