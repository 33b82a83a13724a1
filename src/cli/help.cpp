#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "holdfast/cli/command.h"

namespace holdfast::cli {
namespace {

constexpr std::size_t kHelpColumns = 80;

std::string option_line(const Option& option) {
  std::string left =
      option.letter != 0 ? fmt::format("-{}, --{}", option.letter, option.name) : fmt::format("    --{}", option.name);
  if (!option.value.empty()) left += ' ' + option.value;
  return fmt::format("  {:<28}{}\n", left, option.help);
}

std::string command_lines(const std::vector<Command>& commands) {
  std::string out;
  for (const auto& command : commands) out += fmt::format("  {:<18}{}\n", command.name, command.summary);
  return out;
}

/// The first word of a command of two, else nothing.
std::string_view group_of(const Command& command) {
  const std::size_t space = command.name.find(' ');
  return std::string_view(command.name).substr(0, space == std::string::npos ? 0 : space);
}

/// A line per command, and one per group of commands with what follows its name.
std::string overview_lines(const std::vector<Command>& commands) {
  constexpr std::size_t kHelpIndent = 20;
  std::string out;
  std::string_view done;
  for (const auto& command : commands) {
    const std::string_view group = group_of(command);
    if (group.empty()) {
      out += fmt::format("  {:<18}{}\n", command.name, command.summary);
    } else if (group != done) {
      std::string words;
      for (const auto& member : commands) {
        if (group_of(member) == group)
          words += fmt::format("{}{}", words.empty() ? "" : ", ", member.name.substr(group.size() + 1));
      }
      std::string lines = wrap(words, kHelpColumns, std::string(kHelpIndent, ' '));
      out += lines.replace(0, kHelpIndent, fmt::format("  {:<18}", fmt::format("{} ...", group))) + '\n';
      done = group;
    }
  }
  return out;
}

/// Edit distance: insertions, deletions, substitutions.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string overview(const std::vector<Command>& commands) {
  return fmt::format(
      "Usage: holdfast [--json] [--socket PATH] COMMAND [ARGUMENT]...\n"
      "Asks holdfastd what it protects, what it saw and what it would do.\n\n"
      "{}\n"
      "`holdfast COMMAND --help` tells more. Exit status: 0 fine, 1 a finding,\n"
      "2 wrong usage, 3 no service, 4 not permitted. See also: man holdfast\n",
      overview_lines(commands));
}

std::string help(const Command& command) {
  const std::string space = command.synopsis.empty() ? "" : " ";
  std::string out = fmt::format("Usage: holdfast {}{}{}\n\n{}\n\n", command.name, space, command.synopsis,
                                wrap(command.details, kHelpColumns, ""));
  for (const auto& option : command.options) out += option_line(option);
  for (const auto& option : global_options()) out += option_line(option);
  return out;
}

std::string group_help(const std::vector<Command>& commands, std::string_view group) {
  std::vector<Command> members;
  for (const auto& command : commands) {
    if (command.name.starts_with(group) && command.name.size() > group.size() && command.name[group.size()] == ' ') {
      members.push_back(command);
    }
  }
  if (members.empty()) return {};
  return fmt::format("Usage: holdfast {} COMMAND [ARGUMENT]...\n\n{}", group, command_lines(members));
}

std::string nearest_command(const std::vector<Command>& commands, std::string_view typed) {
  constexpr std::size_t kLongestTyped = 64;
  constexpr std::size_t kMostEdits = 2;
  if (typed.size() > kLongestTyped) return {};
  std::string nearest;
  std::size_t least = kMostEdits + 1;
  for (const auto& command : commands) {
    const std::size_t edits = distance(typed, command.name);
    if (edits < least && edits < command.name.size() / 2) {
      least = edits;
      nearest = command.name;
    }
  }
  return nearest;
}

}  // namespace holdfast::cli
