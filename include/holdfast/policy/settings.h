#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/policy/policy.h"

namespace holdfast::policy {

/// /etc/holdfast/holdfast.conf (interface.md), with its defaults.
struct Settings {
  std::string state_directory = "/var/lib/holdfast";
  std::string runtime_directory = "/run/holdfast";
  std::string policy_directory = "/etc/holdfast/policy.d";
  std::vector<std::string> runtimes;               ///< in addition to the built-in list
  std::vector<std::string> alerts = {"journald"};  ///< journald | stderr | file:/path
  std::chrono::milliseconds deadline{500};
  Verdict on_deadline = Verdict::allow;  ///< allow or deny
  bool hold_on_absence = false;          ///< prevent-mode containers wait while no service runs
  unsigned hash_threads = 0;             ///< 0: one per core
  Drift drift;                           ///< for containers that no policy matches
};

/// As for policies: unknown sections and keys, bad values, each with file, line, key and what would be right.
/// KernelAudit=yes is refused by name until it is built.
[[nodiscard]] Result<Settings> parse_settings(std::string_view text, const std::string& file);
[[nodiscard]] Result<Settings> load_settings(const std::string& file);

}  // namespace holdfast::policy
