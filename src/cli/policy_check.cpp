#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "holdfast/base/clock.h"
#include "holdfast/base/text.h"
#include "holdfast/cli/output.h"
#include "holdfast/policy/load.h"
#include "holdfast/policy/settings.h"

#include "commands.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

struct Findings {
  std::string fault;                  ///< empty: the file is right
  std::vector<std::string> warnings;  ///< what is right and does nothing
};

std::vector<std::string> expired_rules(const policy::Policy& policy, const std::string& file) {
  std::vector<std::string> out;
  for (const auto& rule : policy.allows) {
    if (!rule.until || *rule.until > std::chrono::floor<std::chrono::seconds>(Wall::now())) continue;
    out.push_back(fmt::format("{}: [Allow {}] expired on {}: it excepts nothing any more", printable(file),
                              printable(rule.name), rfc3339(*rule.until)));
  }
  return out;
}

/// *.conf are the service's settings, all others policies.
Findings check(const std::string& file) {
  if (file.ends_with(".conf")) {
    const auto settings = policy::load_settings(file);
    return {settings ? std::string() : settings.error().message, {}};
  }
  const auto policy = policy::load_policy(file);
  if (!policy) return {policy.error().message, {}};
  return {{}, expired_rules(*policy, file)};
}

Status run_check(const Invocation& invocation) {
  json::array files;
  bool faultless = true;
  for (const auto& file : invocation.arguments.words) {
    const auto found = check(file);
    const std::string fault = control::readable(found.fault);
    faultless = faultless && fault.empty();
    json::array warnings;
    for (const auto& warning : found.warnings) warnings.emplace_back(json::string(warning));
    files.push_back(json::object{{"file", printable(file)},
                                 {"ok", fault.empty()},
                                 {"error", fault.empty() ? json::value(nullptr) : json::value(json::string(fault))},
                                 {"warnings", std::move(warnings)}});
    for (const auto& warning : found.warnings) complain(fmt::format("warning: {}", warning));
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
              "and key of the first mistake in each, and what would be right. Exit status 2 if there is any. Warns of "
              "exceptions that have expired.",
          .options = {},
          .words = {1, WordCount::kAny},
          .run = run_check};
}

}  // namespace holdfast::cli
