#include "holdfast/kernel/freezer.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include <fmt/format.h>

namespace holdfast::kernel {
namespace {

constexpr std::size_t kMostBytes = std::size_t{4} << 20;  // of a list of processes

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    if (list.substr(0, comma) == word) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

bool is_of(const Mount& mount, const CgroupLine& line) {
  if (line.hierarchy == 0) return mount.type == "cgroup2";
  return mount.type == "cgroup" && has_word(mount.super_options, "freezer");
}

/// The path below the mount's root, without the slash it begins with; nothing if it is not below.
std::optional<std::string> below(const std::string& root, const std::string& path) {
  const std::string prefix = root == "/" ? "" : root;
  if (!path.starts_with(prefix) || path.size() <= prefix.size() + 1 || path[prefix.size()] != '/') return std::nullopt;
  return path.substr(prefix.size() + 1);
}

}  // namespace

bool can_freeze(const CgroupLine& line) { return line.hierarchy == 0 || has_word(line.controllers, "freezer"); }

Result<Freezer> open_freezer(const std::vector<Mount>& mounts, const CgroupLine& line, const std::string& path) {
  for (const Mount& mount : mounts) {
    const auto inside = is_of(mount, line) ? below(mount.root, path) : std::nullopt;
    if (!inside) continue;
    const UniqueFd root(::open(mount.mount_point.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) continue;
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
    UniqueFd directory(static_cast<int>(::syscall(SYS_openat2, root.get(), inside->c_str(), &how, sizeof how)));
    if (!directory) return errno_error(fmt::format("open the cgroup {}", path));
    return Freezer{std::move(directory), line.hierarchy == 0, fmt::format("{}/{}", mount.mount_point, *inside)};
  }
  return Error{ENOENT, fmt::format("the cgroup {} is in no hierarchy that is mounted here and can freeze", path)};
}

Result<std::vector<pid_t>> members(const Freezer& freezer) {
  const auto text = read_file_at(freezer.directory.get(), "cgroup.procs", kMostBytes);
  if (!text) return text.error();
  std::vector<pid_t> pids;
  for (const char *at = text->data(), *const end = at + text->size(); at < end;) {
    pid_t pid = 0;
    const auto [after, error] = std::from_chars(at, end, pid);
    if (error != std::errc()) return Error{EBADMSG, "a list of a cgroup's processes that is none"};
    pids.push_back(pid);
    at = after + 1;
  }
  return pids;
}

bool is_frozen(const Freezer& freezer) {
  const auto state = read_file_at(freezer.directory.get(), freezer.unified ? "cgroup.freeze" : "freezer.state", 64);
  return state && (*state == "1\n" || *state == "FROZEN\n" || *state == "FREEZING\n");
}

Result<void> freeze(const Freezer& freezer) {
  const char* const file = freezer.unified ? "cgroup.freeze" : "freezer.state";
  const std::string_view word = freezer.unified ? "1" : "FROZEN";
  const UniqueFd state(::openat(freezer.directory.get(), file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!state || ::write(state.get(), word.data(), word.size()) < 0) {
    return errno_error(fmt::format("write {}/{}", freezer.path, file));
  }
  return {};
}

std::string thaw_command(const Freezer& freezer) {
  return freezer.unified ? fmt::format("echo 0 > {}/cgroup.freeze", freezer.path)
                         : fmt::format("echo THAWED > {}/freezer.state", freezer.path);
}

}  // namespace holdfast::kernel
