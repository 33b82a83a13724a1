#include "holdfast/cli/service.h"

#include "commands.h"
#include "reread.h"

namespace holdfast::cli {
namespace {

Status run_verify(const Invocation& invocation) {
  boost::json::object arguments;
  if (!invocation.arguments.words.empty()) arguments["image"] = argument(invocation.arguments.words[0]);
  return reread(invocation, "baseline.verify", std::move(arguments));
}

}  // namespace

Command baseline_verify_command() {
  return {.name = "baseline verify",
          .synopsis = "[IMAGE]",
          .summary = "read images again and tell what differs",
          .details =
              "Reads every file of an image again, or of all images, and compares with the baseline without "
              "changing it. Exit status 1 if anything differs, or an image could not be read. With --json, an "
              "object a line for each difference, then one with the summary.",
          .options = {},
          .words = {0, 1},
          .run = run_verify};
}

}  // namespace holdfast::cli
