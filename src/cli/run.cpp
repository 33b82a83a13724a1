#include <unistd.h>

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/cli/command.h"
#include "holdfast/cli/output.h"

namespace holdfast::cli {
namespace {

constexpr const char* kDefaultSocket = "/run/holdfast/control.sock";

/// The place of the first argument that is no option and no option's value.
std::size_t first_word(const std::vector<std::string>& arguments, std::size_t from) {
  for (std::size_t i = from; i < arguments.size(); ++i) {
    if (arguments[i] == "--socket") {
      ++i;
    } else if (arguments[i].empty() || arguments[i].front() != '-') {
      return i;
    }
  }
  return arguments.size();
}

/// Arguments with the command's words taken out.
struct Split {
  const Command* command = nullptr;
  std::string typed;  ///< the words that were taken
  std::vector<std::string> rest;
};

const Command* find(const std::vector<Command>& commands, const std::string& name) {
  const auto found = std::ranges::find(commands, name, &Command::name);
  return found == commands.end() ? nullptr : &*found;
}

Split split(const std::vector<Command>& commands, std::vector<std::string> arguments) {
  Split out;
  const auto take_word = [&](std::size_t at) {
    out.typed += out.typed.empty() ? arguments[at] : ' ' + arguments[at];
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(at));
  };
  std::size_t at = first_word(arguments, 0);
  if (at < arguments.size() && arguments[at] == "help") arguments[at] = "--help", at = first_word(arguments, at);
  if (at < arguments.size()) take_word(at);
  if (!out.typed.empty() && !group_help(commands, out.typed).empty()) {
    const std::size_t second = first_word(arguments, at);
    if (second < arguments.size()) take_word(second);
  }
  out.command = find(commands, out.typed);
  out.rest = std::move(arguments);
  return out;
}

Status print_help(const std::string& text) {
  print(text);
  return Status::fine;
}

Status wrong_usage(const std::string& what, const std::string& hint) {
  complain(fmt::format("{}; {}", what, hint));
  return Status::bad_input;
}

/// No command, or none that exists.
Status run_without_command(const std::vector<Command>& commands, const Split& split) {
  const bool wants_help = std::ranges::any_of(split.rest, [](const auto& a) { return a == "--help" || a == "-h"; });
  if (split.typed.empty()) {
    const auto parsed = parse_arguments(split.rest, global_options(), {});
    if (!parsed) return wrong_usage(parsed.error().message, "see holdfast --help");
    if (parsed->has("help")) return print_help(overview(commands));
    if (parsed->has("version")) return print_help(fmt::format("holdfast {}\n", HOLDFAST_VERSION));
    return wrong_usage("no command given", "see holdfast --help");
  }
  if (const auto group = group_help(commands, split.typed); !group.empty()) {
    if (wants_help) return print_help(group);
    return wrong_usage(fmt::format("'{}' needs another word", split.typed),
                       fmt::format("see holdfast {} --help", split.typed));
  }
  const std::string nearest = nearest_command(commands, split.typed);
  return wrong_usage(fmt::format("unknown command '{}'", printable(split.typed)),
                     nearest.empty() ? "see holdfast --help" : fmt::format("did you mean '{}'?", nearest));
}

}  // namespace

Status run(const std::vector<std::string>& arguments) {
  const auto commands = all_commands();
  const Split parts = split(commands, arguments);
  if (parts.command == nullptr) return run_without_command(commands, parts);
  const Command& command = *parts.command;
  // Help is given however wrong the rest is.
  const auto end_of_options = std::ranges::find(parts.rest, "--");
  if (std::any_of(parts.rest.begin(), end_of_options, [](const auto& a) { return a == "--help" || a == "-h"; })) {
    return print_help(help(command));
  }
  auto options = command.options;
  std::ranges::move(global_options(), std::back_inserter(options));
  const auto parsed = parse_arguments(parts.rest, options, command.words);
  if (!parsed) return wrong_usage(parsed.error().message, fmt::format("see holdfast {} --help", command.name));
  if (parsed->has("version")) return print_help(fmt::format("holdfast {}\n", HOLDFAST_VERSION));
  return command.run({.arguments = *parsed,
                      .json = parsed->has("json"),
                      .socket = parsed->value("socket").value_or(kDefaultSocket),
                      .out = Terminal::of(STDOUT_FILENO),
                      .err = Terminal::of(STDERR_FILENO)});
}

}  // namespace holdfast::cli
