#include "holdfast/cli/output.h"
#include "holdfast/cli/service.h"

#include "commands.h"
#include "reread.h"

namespace holdfast::cli {
namespace {

Status run_rebuild(const Invocation& invocation) {
  const auto& words = invocation.arguments.words;
  const bool all = invocation.arguments.has("all");
  if (all != words.empty()) {
    complain("give either an image, a container, or --all; see holdfast baseline rebuild --help");
    return Status::bad_input;
  }
  boost::json::object arguments;
  if (all) {
    arguments["all"] = true;
  } else {
    arguments["target"] = argument(words[0]);
  }
  return reread(invocation, "baseline.rebuild", std::move(arguments));
}

}  // namespace

Command baseline_rebuild_command() {
  return {.name = "baseline rebuild",
          .synopsis = "IMAGE | CONTAINER | --all",
          .summary = "read images again and keep what they are now",
          .details =
              "Reads every file of an image again (named itself or by one of its containers), puts the result "
              "into the baseline and tells what changed. Exit status 1 if anything did. With --json, an object "
              "a line for each change, then one with the summary.",
          .options = {{"all", 0, "", "every image"}},
          .words = {0, 1},
          .run = run_rebuild};
}

}  // namespace holdfast::cli
