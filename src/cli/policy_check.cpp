#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/cli/output.h"
#include "holdfast/policy/load.h"
#include "holdfast/policy/settings.h"

#include "commands.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

/// Nothing if the file is right. *.conf are the service's settings, all others policies.
std::string fault_of(const std::string& file) {
  if (file.ends_with(".conf")) {
    const auto settings = policy::load_settings(file);
    return settings ? std::string() : settings.error().message;
  }
  const auto policy = policy::load_policy(file);
  return policy ? std::string() : policy.error().message;
}

Status run_check(const Invocation& invocation) {
  json::array files;
  bool faultless = true;
  for (const auto& file : invocation.arguments.words) {
    const std::string fault = control::readable(fault_of(file));
    faultless = faultless && fault.empty();
    files.push_back(json::object{{"file", printable(file)},
                                 {"ok", fault.empty()},
                                 {"error", fault.empty() ? json::value(nullptr) : json::value(json::string(fault))}});
    if (!fault.empty()) {
      complain(fault);
    } else if (!invocation.json) {
      print(fmt::format("{}: {}\n", printable(file), paint("ok", Colour::green, invocation.out)));
    }
  }
  if (invocation.json) print_json(json::object{{"files", std::move(files)}});
  return faultless ? Status::fine : Status::bad_input;
}

}  // namespace

Command policy_check_command() {
  return {.name = "policy check",
          .synopsis = "FILE...",
          .summary = "find mistakes in policies and settings, without a service",
          .details =
              "Reads policy files, and service settings (*.conf), as the service would, and names file, line "
              "and key of the first mistake in each, and what would be right. Exit status 2 if there is any.",
          .options = {},
          .words = {1, WordCount::kAny},
          .run = run_check};
}

}  // namespace holdfast::cli
