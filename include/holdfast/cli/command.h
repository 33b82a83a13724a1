#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "holdfast/cli/arguments.h"
#include "holdfast/cli/terminal.h"
#include "holdfast/control/protocol.h"

namespace holdfast::cli {

using control::Status;

/// What a command is given.
struct Invocation {
  const Arguments& arguments;
  bool json = false;
  std::string socket;
  Terminal out, err;
};

/// One subcommand.
struct Command {
  std::string name;      ///< one or two words: "status", "baseline list"
  std::string synopsis;  ///< what follows the name
  std::string summary;   ///< a few words for the list of commands
  std::string details;   ///< a paragraph for its own help
  std::vector<Option> options;
  WordCount words;
  Status (*run)(const Invocation&) = nullptr;
};

/// Every command of this version, in the order of the overview.
[[nodiscard]] std::vector<Command> all_commands();

/// Options that every command takes: --json, --socket, --help, --version.
[[nodiscard]] std::vector<Option> global_options();

/// What `holdfast --help` and `holdfast COMMAND --help` print; both fit 80 columns and 24 lines.
[[nodiscard]] std::string overview(const std::vector<Command>& commands);
[[nodiscard]] std::string help(const Command& command);
/// The commands that start with this word ("baseline").
[[nodiscard]] std::string group_help(const std::vector<Command>& commands, std::string_view group);

/// The command that was probably meant, or nothing worth a hint.
[[nodiscard]] std::string nearest_command(const std::vector<Command>& commands, std::string_view typed);

/// The whole program but the flush of its output: parses, finds the command, runs it. `arguments` are without argv[0].
[[nodiscard]] Status run(const std::vector<std::string>& arguments);

}  // namespace holdfast::cli
