#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "holdfast/policy/settings.h"

namespace holdfast::daemon {

/// The service's command line (interface.md). What is given here wins over the configuration file.
struct Options {
  std::string config = "/etc/holdfast/holdfast.conf";
  bool config_given = false;  ///< then the file must exist
  std::optional<std::string> state_directory, runtime_directory, policy_directory;
  std::vector<std::string> alerts;
  bool check_config = false;
};

/// Options, or what to print and the exit status to end with (0 for --help and --version, 2 for wrong usage).
struct Ended {
  int status = 0;
  std::string text;
};
[[nodiscard]] std::variant<Options, Ended> parse_options(int argc, const char* const* argv);

/// The configuration file with the command line's wishes applied. Without the default file: the defaults.
[[nodiscard]] Result<policy::Settings> effective_settings(const Options& options);

}  // namespace holdfast::daemon
