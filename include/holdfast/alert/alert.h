#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/clock.h"
#include "holdfast/base/identity.h"

namespace holdfast::alert {

// The alert record of interface.md. Strings hold raw bytes from hostile sources; only the sinks make them printable.
// An empty string, a missing optional and an empty vector mean "unknown" and are left out.

struct ContainerInfo {
  std::string id, name, image, image_digest, runtime, name_space, pod;
};

struct FileInfo {
  std::string path;
  std::string sha256;  ///< hex
  std::optional<std::uint64_t> size;
  std::optional<mode_t> mode;  ///< permission bits and type, as st_mode
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::optional<FileTime> mtime, ctime;
  std::string mount;  ///< for `unmediated`: what hid the file, as "tmpfs 0:53 at /mnt" (type, superblock, mount point)
  std::string layer;  ///< upper | image | volume | memfd | tmpfs
  std::string evidence;  ///< path on the host of the copy that was kept of it
};

struct ImageFileInfo {
  std::string sha256;
  std::uint64_t size = 0;
  mode_t mode = 0;
};

struct ProcessInfo {
  pid_t pid = 0;
  std::optional<pid_t> ppid;
  std::string exe;
  std::vector<std::string> cmdline;
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::string cwd;
  std::string tty;
  std::optional<Wall::time_point> started;
};

/// How somebody had a hand in a file.
enum class Hand { wrote, linked, renamed, made_executable };
/// As alerts spell it: "wrote", "linked", "renamed", "made executable".
[[nodiscard]] std::string_view to_string(Hand hand);

/// Who put a file there. What is not known of a process that has ended meanwhile is left out.
struct WriterInfo {
  pid_t pid = 0;
  std::string exe;  ///< in the container
  std::vector<std::string> cmdline;
  std::optional<uid_t> uid;
  Wall::time_point time;
  Hand how = Hand::wrote;
  /// The outermost package manager that it worked for ("apt", "pip"); empty: none is known.
  std::string package_manager;
  pid_t package_manager_pid = 0;
  std::vector<ProcessInfo> ancestors;  ///< as the alert's
};

enum class Kind { drift, exposure, override_, service };

struct Alert {
  Wall::time_point time;
  Kind kind = Kind::drift;
  std::string verdict;  ///< deny | allow | killed; empty for kinds other than drift
  std::string reason;   ///< a drift reason, or a short word for other kinds
  std::string mode, policy;
  std::string rule;     ///< the [Allow]/[Deny] section that fitted, if any
  std::string message;  ///< for kinds other than drift: the sentence for people; a drift's is composed from the fields
  std::optional<ContainerInfo> container;
  std::optional<FileInfo> file;
  std::optional<ImageFileInfo> image_file;
  std::optional<ProcessInfo> process;
  std::vector<ProcessInfo> ancestors;  ///< parent first, up to the container's first process; pid, exe, cmdline only
  std::optional<WriterInfo> writer;    ///< who last wrote the file's content, else who linked, renamed or changed it
  std::optional<WriterInfo> made_executable;  ///< who gave it its x bits, if that was somebody else
  std::uint64_t repeats = 0;
};

}  // namespace holdfast::alert
