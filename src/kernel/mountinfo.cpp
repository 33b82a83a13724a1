#include "holdfast/kernel/mountinfo.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/kernel/proc.h"

#include "number.h"
#include "octal.h"

namespace holdfast::kernel {
namespace {

constexpr std::size_t kTableLimit = std::size_t{64} << 20;

/// The next field up to a single space; fields may be empty (mount -t tmpfs "" /mnt).
std::optional<std::string_view> take_field(std::string_view& rest) {
  const auto space = rest.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto field = rest.substr(0, space);
  rest.remove_prefix(space + 1);
  return field;
}

bool parse_device(std::string_view text, dev_t& out) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  unsigned major_number = 0;
  unsigned minor_number = 0;
  if (!parse_number(text.substr(0, colon), major_number) || !parse_number(text.substr(colon + 1), minor_number)) {
    return false;
  }
  out = makedev(major_number, minor_number);
  return true;
}

Error malformed(std::string_view line, std::string_view what) {
  return {EINVAL, fmt::format("mountinfo line \"{}\" has no {}", shorten(printable(line), 200), what)};
}

}  // namespace

Result<Mount> parse_mount(std::string_view line) {
  std::string_view rest = line;
  Mount mount;
  const auto id = take_field(rest);
  const auto parent = take_field(rest);
  const auto device = take_field(rest);
  const auto root = take_field(rest);
  const auto mount_point = take_field(rest);
  const auto options = take_field(rest);
  if (!options) return malformed(line, "six leading fields");
  if (!parse_number(*id, mount.id) || !parse_number(*parent, mount.parent)) return malformed(line, "mount ids");
  if (!parse_device(*device, mount.device)) return malformed(line, "device number");
  if (line.find('\0') != std::string_view::npos) return malformed(line, "text without NUL bytes");
  auto root_path = undo_octal(*root);
  auto mount_path = undo_octal(*mount_point);
  if (!root_path || !mount_path) return malformed(line, "paths without NUL bytes");
  mount.root = std::move(*root_path);
  mount.mount_point = std::move(*mount_path);
  mount.options = *options;
  for (auto field = take_field(rest);; field = take_field(rest)) {
    if (!field) return malformed(line, "separator");
    if (*field == "-") break;
    if (field->starts_with("shared:")) mount.shared = true;
    if (field->starts_with("master:")) mount.receives = true;
  }
  const auto type = take_field(rest);
  const auto source = take_field(rest);
  if (!source || type->empty()) return malformed(line, "file system type, source and options");
  auto type_name = undo_octal(*type);
  auto source_name = undo_octal(*source);
  if (!type_name || !source_name) return malformed(line, "file system type and source without NUL bytes");
  mount.type = std::move(*type_name);
  mount.source = std::move(*source_name);
  mount.super_options = rest;
  return mount;
}

Result<std::vector<Mount>> parse_mountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  mounts.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto mount = parse_mount(text.substr(0, end));
    if (!mount) return mount.error();
    mounts.push_back(std::move(*mount));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return mounts;
}

Result<std::vector<Mount>> read_mountinfo(int proc_dir) {
  const auto text = read_file_at(proc_dir, "mountinfo", kTableLimit);
  if (!text) return text.error();
  return parse_mountinfo(*text);
}

}  // namespace holdfast::kernel
