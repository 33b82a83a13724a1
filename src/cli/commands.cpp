#include "commands.h"

namespace holdfast::cli {

std::vector<Command> all_commands() {
  return {status_command(),          containers_command(),     alerts_command(),          explain_command(),
          baseline_list_command(),   baseline_show_command(),  baseline_verify_command(), baseline_rebuild_command(),
          baseline_prune_command(),  baseline_build_command(), baseline_diff_command(),   baseline_export_command(),
          baseline_import_command(), policy_check_command(),   policy_list_command(),     policy_show_command(),
          policy_reload_command(),   policy_replay_command(),  policy_suggest_command(),  mode_command(),
          metrics_command()};
}

std::vector<Option> global_options() {
  return {{"json", 0, "", "print JSON: one document, or one object a line"},
          {"socket", 0, "PATH", "the service's control socket"},
          {"help", 'h', "", "show this help"},
          {"version", 0, "", "show the version"}};
}

}  // namespace holdfast::cli
