#include "holdfast/daemon/options.h"

#include <unistd.h>

#include <sstream>

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include "holdfast/alert/queue.h"

namespace holdfast::daemon {
namespace {

namespace po = boost::program_options;

constexpr const char* kUsage =
    "usage: holdfastd [--config FILE] [--state-dir DIR] [--runtime-dir DIR] [--policy-dir DIR]\n"
    "                 [--alert SINK]... [--check-config]\n\n"
    "Keeps containers to what their images shipped. Runs in the foreground; SIGTERM ends it, SIGHUP reloads\n"
    "configuration and policies. See holdfastd(8).\n\n";

po::options_description describe() {
  po::options_description options("Options");
  options.add_options()                                                                                           //
      ("config", po::value<std::string>()->value_name("FILE"), "settings (default /etc/holdfast/holdfast.conf)")  //
      ("state-dir", po::value<std::string>()->value_name("DIR"), "where baseline.db lies")                        //
      ("runtime-dir", po::value<std::string>()->value_name("DIR"), "where control.sock lies")                     //
      ("policy-dir", po::value<std::string>()->value_name("DIR"), "where *.policy files lie")                     //
      ("alert", po::value<std::vector<std::string>>()->value_name("SINK"),
       "journald, stderr or file:/path; repeatable")                  //
      ("check-config", "check configuration and policies, then end")  //
      ("version", "print the version, then end")                      //
      ("help", "print this, then end");
  return options;
}

std::optional<std::string> text(const po::variables_map& given, const char* name) {
  return given.count(name) != 0 ? std::optional(given[name].as<std::string>()) : std::nullopt;
}

}  // namespace

std::variant<Options, Ended> parse_options(int argc, const char* const* argv) {
  const auto description = describe();
  po::variables_map given;
  try {
    const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(argc, argv).options(description).positional({}).style(style).run(), given);
    po::notify(given);
  } catch (const po::error& error) {
    return Ended{2, fmt::format("holdfastd: {}; see holdfastd --help\n", error.what())};
  }
  if (given.count("help") != 0) {
    std::ostringstream out;
    out << kUsage << description;
    return Ended{0, out.str()};
  }
  if (given.count("version") != 0) return Ended{0, fmt::format("holdfastd {}\n", HOLDFAST_VERSION)};
  Options options;
  if (auto config = text(given, "config")) {
    options.config = std::move(*config);
    options.config_given = true;
  }
  options.state_directory = text(given, "state-dir");
  options.runtime_directory = text(given, "runtime-dir");
  options.policy_directory = text(given, "policy-dir");
  if (given.count("alert") != 0) options.alerts = given["alert"].as<std::vector<std::string>>();
  options.check_config = given.count("check-config") != 0;
  return options;
}

Result<policy::Settings> effective_settings(const Options& options) {
  policy::Settings settings;
  if (options.config_given || ::access(options.config.c_str(), F_OK) == 0) {
    auto loaded = policy::load_settings(options.config);
    if (!loaded) return loaded.error();
    settings = std::move(*loaded);
  }
  if (options.state_directory) settings.state_directory = *options.state_directory;
  if (options.runtime_directory) settings.runtime_directory = *options.runtime_directory;
  if (options.policy_directory) settings.policy_directory = *options.policy_directory;
  if (!options.alerts.empty()) settings.alerts = options.alerts;
  for (const auto& sink : settings.alerts) {
    if (auto fine = alert::check_sink(sink); !fine) return fine.error();
  }
  for (const auto* directory : {&settings.state_directory, &settings.runtime_directory, &settings.policy_directory}) {
    if (!directory->starts_with('/'))
      return Error{0, fmt::format("{}: a directory must be an absolute path", *directory)};
  }
  return settings;
}

}  // namespace holdfast::daemon
