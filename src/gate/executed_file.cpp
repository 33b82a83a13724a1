#include "holdfast/gate/executed_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fmt/format.h>

#include "holdfast/gate/file_place.h"
#include "holdfast/gate/mount_of_file.h"
#include "holdfast/kernel/file.h"

namespace holdfast::gate {
namespace {

UniqueFd open_for_reading(int opened_path) {
  return UniqueFd(
      ::open(fmt::format("/proc/self/fd/{}", opened_path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOATIME));
}

std::string name_mount(const std::optional<FileMount>& found, dev_t device) {
  if (!found) return fmt::format("superblock {}:{}, mounted nowhere now", ::major(device), ::minor(device));
  const auto& mount = found->mount;
  return fmt::format("{} {}:{} at {}", mount.type, ::major(mount.device), ::minor(mount.device), mount.mount_point);
}

/// A memfd has neither mount nor path; its name is whatever its maker called it.
Examination examine_memfd(int file, const ExecutedFile& executed) {
  Examination exam;
  exam.shown_path = shown_path(file);
  exam.facts.layer = verdict::Layer::memfd;
  exam.facts.size = static_cast<std::uint64_t>(executed.st.st_size);
  return exam;
}

/// On a root that somebody serves (fuse-overlayfs), what is not image code by its identity is drift, without a look.
Examination examine_served_root(int file, const ExecutedFile& executed) {
  Examination exam;
  exam.shown_path = shown_path(file);
  exam.facts.size = static_cast<std::uint64_t>(executed.st.st_size);
  return exam;
}

}  // namespace

std::optional<ExecutedFile> look_at_executed_file(int proc_dir) {
  ExecutedFile file;
  // O_PATH asks no file system.
  file.path = UniqueFd(::openat(proc_dir, "exe", O_PATH | O_CLOEXEC));
  struct statx sx {};
  if (!file.path || !kernel::statx_without_asking(file.path.get(), "", STATX_BASIC_STATS | STATX_MNT_ID, sx)) return {};
  file.st = kernel::to_stat(sx);
  if ((sx.stx_mask & STATX_MNT_ID) != 0) file.mount_id = static_cast<int>(sx.stx_mnt_id);
  return file;
}

Result<dev_t> device_of_memfds() {
  const UniqueFd memfd(::memfd_create("holdfast", MFD_CLOEXEC));
  struct stat st {};
  if (!memfd || ::fstat(memfd.get(), &st) != 0) return errno_error("make a memfd");
  return st.st_dev;
}

bool is_on_host_mount(const ExecutedFile& file) { return find_mount(mounts_of(::getpid()), file.mount_id) != nullptr; }

RunningExamination examine_running(const container::Container& container, container::Mounts& mounts,
                                   const ExecutedFile& file, pid_t pid, bool memfd, const ExamineOptions& options) {
  RunningExamination out;
  const int opened = file.path.get();
  if (memfd) {
    out.exam = examine_memfd(opened, file);
    out.file = open_for_reading(opened);
    return out;
  }
  const auto found = mount_of_file(opened, pid, container);
  out.mount = name_mount(found, file.st.st_dev);
  const bool on_root = lies_on_root(opened, pid, container);
  const bool own_overlay = on_root && container.kind() == container::RootKind::overlay;
  if (own_overlay || (found && container::opens_locally(found->mount.type))) {
    out.file = open_for_reading(opened);
  }
  const int readable = out.file ? out.file.get() : opened;
  if (!on_root) {
    out.exam = examine_elsewhere(container, mounts, readable, pid, options);
  } else {
    out.exam = out.file ? examine(container, readable, pid, options) : examine_served_root(readable, file);
  }
  return out;
}

}  // namespace holdfast::gate
