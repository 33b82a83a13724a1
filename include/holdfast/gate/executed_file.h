#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/container/container.h"
#include "holdfast/container/mounts.h"
#include "holdfast/gate/examine.h"

namespace holdfast::gate {

/// What a process runs: the file behind /proc/PID/exe, looked at without asking the file system that holds it, since a
/// server that never answers (FUSE, NFS) must not hold whoever looks.
struct ExecutedFile {
  UniqueFd path;  ///< O_PATH: keeps the file, and where it lies, when the process has ended
  struct stat st {};
  int mount_id = -1;
};
/// Nothing for a process that has ended, and for kernel threads. `proc_dir` is an open /proc/PID.
[[nodiscard]] std::optional<ExecutedFile> look_at_executed_file(int proc_dir);

/// The device of every memfd's superblock, which is the kernel's own.
[[nodiscard]] Result<dev_t> device_of_memfds();

/// Whether the file was opened through a mount of the service's own, that is the host's, mount namespace.
[[nodiscard]] bool is_on_host_mount(const ExecutedFile& file);

/// The facts about a file that runs already, and what people must know of where it lies.
struct RunningExamination {
  Examination exam;
  std::string mount;  ///< "tmpfs 0:53 at /mnt": file system type, superblock and mount point; raw bytes
  UniqueFd file;      ///< open for reading, for its hash; empty if reading it could take for ever
};
/// Neither opens nor reads a file of a file system that others serve. `memfd`: it is one.
[[nodiscard]] RunningExamination examine_running(const container::Container& container, container::Mounts& mounts,
                                                 const ExecutedFile& file, pid_t pid, bool memfd,
                                                 const ExamineOptions& options);

}  // namespace holdfast::gate
