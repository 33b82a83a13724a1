#include <algorithm>
#include <array>

#include "holdfast/container/state_files.h"

namespace holdfast::container {
namespace {

bool is_hex_id(std::string_view text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// "libpod-HEX", "docker-HEX.scope", "cri-containerd-HEX.scope", "crio-HEX.scope", HEX itself, or what the runtimes
/// name by hand under systemd: "crun-ID.scope".
std::string_view id_in_component(std::string_view component) {
  if (component.ends_with(".scope")) {
    component.remove_suffix(6);
    if (component.starts_with("crun-") || component.starts_with("runc-")) return component.substr(5);
  }
  constexpr std::array<std::string_view, 5> kPrefixes = {"libpod-", "docker-", "cri-containerd-", "crio-", ""};
  for (const auto prefix : kPrefixes) {
    if (component.starts_with(prefix) && is_hex_id(component.substr(prefix.size()))) {
      return component.substr(prefix.size());
    }
  }
  return {};
}

std::vector<std::string_view> components(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty()) {
    const auto slash = path.find('/');
    if (slash != 0) out.push_back(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return out;
}

/// What crun and ctr make: "/ID", "/NAMESPACE/ID". systemd's own names (".slice", ".service", ".scope") are no ids.
std::string_view plain_id(const std::vector<std::string_view>& parts) {
  if (parts.empty() || parts.size() > 2) return {};
  for (const auto part : parts) {
    if (part.ends_with(".slice") || part.ends_with(".service") || part.ends_with(".scope") || part == "..") return {};
  }
  return parts.back();
}

}  // namespace

std::string container_id_of(const std::vector<kernel::CgroupLine>& cgroups) {
  for (const auto& line : cgroups) {
    for (const auto part : components(line.path)) {
      const auto id = id_in_component(part);
      if (!id.empty()) return std::string(id);
    }
  }
  for (const auto& line : cgroups) {
    // A controller that nobody moves processes in by hand; a host's own "/foo" under cpuset says nothing.
    if (line.controllers != "pids" && line.controllers != "name=systemd" && line.hierarchy != 0) continue;
    const auto id = plain_id(components(line.path));
    if (!id.empty()) return std::string(id);
  }
  return {};
}

std::optional<Conmon> parse_conmon(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return std::nullopt;
  const std::string_view program = arguments[0];
  const auto slash = program.rfind('/');
  if (program.substr(slash == std::string_view::npos ? 0 : slash + 1) != "conmon") return std::nullopt;
  Conmon out;
  for (std::size_t i = 1; i + 1 < arguments.size(); ++i) {
    // What follows --exit-command-arg is podman's own command line, "-n" and all.
    if (arguments[i].starts_with("--exit-command")) break;
    if (arguments[i] == "-c" || arguments[i] == "--cid")
      out.id = arguments[++i];
    else if (arguments[i] == "-n" || arguments[i] == "--name")
      out.name = arguments[++i];
    else if (arguments[i] == "-r" || arguments[i] == "--runtime")
      out.runtime = arguments[++i];
    else if (arguments[i] == "-b" || arguments[i] == "--bundle")
      out.bundle = arguments[++i];
  }
  if (out.id.empty()) return std::nullopt;
  return out;
}

}  // namespace holdfast::container
