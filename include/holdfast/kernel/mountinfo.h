#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.h"

namespace holdfast::kernel {

/// One line of /proc/PID/mountinfo (proc(5)), octal escapes undone. Strings hold any byte but NUL.
struct Mount {
  int id = 0;
  int parent = 0;
  dev_t device = 0;         ///< st_dev of the mount's files; reused at once after an unmount (runtimes.md)
  std::string root;         ///< path inside the file system that forms this mount's root
  std::string mount_point;  ///< relative to the reading process's root
  std::string options;      ///< per mount, comma separated
  bool shared = false;      ///< has a peer group: propagates
  bool receives = false;    ///< a slave: what others mount and unmount in its place happens here, too
  std::string type;         ///< file system type, e.g. "overlay"
  std::string source;
  std::string super_options;  ///< per superblock, still with the file system's own escapes
};

/// Parses one line without its newline.
[[nodiscard]] Result<Mount> parse_mount(std::string_view line);
/// Parses a whole table. One malformed line spoils it: half a table would hide mounts.
[[nodiscard]] Result<std::vector<Mount>> parse_mountinfo(std::string_view text);
/// Reads and parses /proc/PID/mountinfo; `proc_dir` is an open /proc/PID. At most 64 MiB are read.
[[nodiscard]] Result<std::vector<Mount>> read_mountinfo(int proc_dir);

/// What an overlay mount says of its layers (kernel Documentation/filesystems/overlayfs.rst).
struct OverlayOptions {
  std::vector<std::string> lower;  ///< top first, as mounted: absolute, or relative to the mounter's directory
  std::vector<std::string> data;   ///< data-only layers (after "::"), top first
  std::string upper;               ///< empty: read-only overlay
  bool metacopy = false;
  bool user_xattr = false;
  std::string redirect_dir;  ///< "on", "off", "follow", "nofollow" or empty
};

/// Understands `lowerdir=a:b::data`, `lowerdir+=` and `datadir+=`, with `\:`, `\,` and octal escapes.
[[nodiscard]] Result<OverlayOptions> parse_overlay_options(std::string_view super_options);

}  // namespace holdfast::kernel
