#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::kernel {

/// Opens /proc/PID (O_PATH). The descriptor names that very process: reads through it fail with ESRCH once it is
/// gone, and a reused pid is never read instead.
[[nodiscard]] Result<UniqueFd> open_proc(pid_t pid);
/// All pids in /proc at the moment.
[[nodiscard]] std::vector<pid_t> list_pids();

/// The threads of the process whose /proc/PID is open.
[[nodiscard]] std::vector<pid_t> list_threads(int proc_dir);

/// Reads a whole file below `dir`, at most `limit` bytes (more is an error with code EFBIG). Does not follow a
/// final symlink.
[[nodiscard]] Result<std::string> read_file_at(int dir, const char* name, std::size_t limit);
/// Reads a symlink below `dir` ("exe", "cwd", "root", "ns/mnt").
[[nodiscard]] Result<std::string> read_link_at(int dir, const char* name);

/// The lines of /proc/PID/status and /proc/PID/stat that an alert needs.
struct ProcessStatus {
  std::string name;
  pid_t tgid = 0;
  pid_t ppid = 0;
  uid_t uid = 0;  ///< real, in the host's user namespace
  gid_t gid = 0;
  std::uint64_t start_ticks = 0;  ///< since boot, in sysconf(_SC_CLK_TCK)
  int tty = 0;                    ///< device number, 0: none
};
[[nodiscard]] Result<ProcessStatus> read_status(int proc_dir);
/// Its `ppid` alone, which costs half as much.
[[nodiscard]] Result<pid_t> read_parent(int proc_dir);

/// Arguments, at most `limit` bytes of them. Written by the process itself: hostile.
[[nodiscard]] std::vector<std::string> read_cmdline(int proc_dir, std::size_t limit = 4096);

/// One line of /proc/PID/cgroup: hierarchy id, controllers, path.
struct CgroupLine {
  int hierarchy = 0;
  std::string controllers;
  std::string path;
};
[[nodiscard]] std::vector<CgroupLine> parse_cgroup(std::string_view text);
[[nodiscard]] std::vector<CgroupLine> read_cgroup(int proc_dir);

/// Inode number of a namespace of the process ("mnt", "pid", "user"); names the namespace while it lives.
[[nodiscard]] Result<ino_t> namespace_inode(int proc_dir, const char* which);
/// The same of this process; 0 if /proc does not say.
[[nodiscard]] ino_t own_namespace_inode(const char* which);

/// Whether the process has our own root directory. Asks no file system: a process may have put its root on one that
/// never answers.
[[nodiscard]] bool shares_our_root(int proc_dir);

/// How long ago a process started, suspended time included; `start_ticks` as in ProcessStatus.
[[nodiscard]] std::chrono::nanoseconds time_since_start(std::uint64_t start_ticks);

}  // namespace holdfast::kernel
