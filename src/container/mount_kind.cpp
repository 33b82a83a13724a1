#include "holdfast/container/mount_kind.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace holdfast::container {
namespace {

using namespace std::string_view_literals;

constexpr std::array kWithoutPrograms = {
    "autofs"sv,     "binfmt_misc"sv, "bpf"sv,       "cgroup"sv, "cgroup2"sv, "configfs"sv, "debugfs"sv,
    "devpts"sv,     "efivarfs"sv,    "fusectl"sv,   "mqueue"sv, "nsfs"sv,    "proc"sv,     "pstore"sv,
    "rpc_pipefs"sv, "securityfs"sv,  "selinuxfs"sv, "sysfs"sv,  "tracefs"sv,
};

constexpr std::array kLocal = {
    "bcachefs"sv, "btrfs"sv, "devtmpfs"sv,  "erofs"sv,   "exfat"sv, "ext2"sv,  "ext3"sv,
    "ext4"sv,     "f2fs"sv,  "hugetlbfs"sv, "iso9660"sv, "jfs"sv,   "ntfs3"sv, "ramfs"sv,
    "squashfs"sv, "tmpfs"sv, "udf"sv,       "vfat"sv,    "xfs"sv,   "zfs"sv,
};

/// The first of comma separated options.
std::string_view first_option(std::string_view options) { return options.substr(0, options.find(',')); }

}  // namespace

bool holds_no_programs(std::string_view type) {
  return std::binary_search(kWithoutPrograms.begin(), kWithoutPrograms.end(), type);
}

bool opens_locally(std::string_view type) { return std::binary_search(kLocal.begin(), kLocal.end(), type); }

bool is_writable(const kernel::Mount& mount) {
  return first_option(mount.options) == "rw" && first_option(mount.super_options) == "rw";
}

bool forbids_executions(const kernel::Mount& mount) {
  return fmt::format(",{},", mount.options).find(",noexec,") != std::string::npos;
}

bool lies_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.starts_with('/');
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

std::string rebase(std::string_view path, std::string_view from, std::string_view to) {
  const auto rest = from == "/" ? path : path.substr(from.size());
  std::string out(to == "/" ? std::string_view() : to);
  if (rest != "/") out += rest;
  return out.empty() ? "/" : out;
}

}  // namespace holdfast::container
