#pragma once

#include "holdfast/cli/command.h"

namespace holdfast::cli {

// One function per subcommand, in the file of its name.

[[nodiscard]] Command status_command();
[[nodiscard]] Command containers_command();
[[nodiscard]] Command alerts_command();
[[nodiscard]] Command explain_command();
[[nodiscard]] Command baseline_list_command();
[[nodiscard]] Command baseline_show_command();
[[nodiscard]] Command baseline_verify_command();
[[nodiscard]] Command baseline_rebuild_command();
[[nodiscard]] Command baseline_prune_command();
[[nodiscard]] Command baseline_build_command();
[[nodiscard]] Command baseline_diff_command();
[[nodiscard]] Command baseline_export_command();
[[nodiscard]] Command baseline_import_command();
[[nodiscard]] Command policy_check_command();
[[nodiscard]] Command policy_list_command();
[[nodiscard]] Command policy_show_command();
[[nodiscard]] Command policy_reload_command();
[[nodiscard]] Command policy_replay_command();
[[nodiscard]] Command policy_suggest_command();
[[nodiscard]] Command mode_command();
[[nodiscard]] Command metrics_command();

}  // namespace holdfast::cli
