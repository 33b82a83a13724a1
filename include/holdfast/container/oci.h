#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.h"

namespace holdfast::container {

// Pure parsers of what OCI runtimes are given. All input may be hostile.

/// What discovery needs of an OCI bundle's config.json.
struct BundleConfig {
  std::string root_path;  ///< as written: absolute, or relative to the bundle; "rootfs" if it says nothing
  std::map<std::string, std::string> annotations;
};
/// At most kBundleLimit bytes, 32 levels, kMaxLabels annotations (more are left out).
inline constexpr std::size_t kBundleLimit = std::size_t{4} << 20;
inline constexpr std::size_t kMaxLabels = 256;
[[nodiscard]] Result<BundleConfig> parse_bundle_config(std::string_view text);

/// "runc [global options] create|run|start [options] ID", and crun's the same.
struct Invocation {
  enum class Command { create, run, start } command = Command::run;
  std::string state_root;  ///< --root
  std::string bundle;      ///< --bundle; empty: the current directory
  std::string id;
};
/// Nothing for other subcommands and for what is no runtime's command line.
[[nodiscard]] std::optional<Invocation> parse_invocation(const std::vector<std::string>& arguments);

}  // namespace holdfast::container
