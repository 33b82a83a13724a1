#include <array>
#include <utility>

#include "holdfast/container/oci.h"

namespace holdfast::container {
namespace {

using Arguments = std::vector<std::string>;

// Options that take their value from the next argument, of runc and crun together; what is not listed takes none.
constexpr std::array<std::string_view, 6> kGlobalValues = {"root", "log",      "log-format",
                                                           "criu", "rootless", "cgroup-manager"};
constexpr std::array<std::string_view, 7> kCommandValues = {"bundle", "b", "console-socket", "pid-file", "preserve-fds",
                                                            "config", "f"};

/// "-name", "--name", "--name=value"; runc takes any number of dashes up to two for any name.
struct Option {
  std::string_view name;
  std::optional<std::string_view> value;
};

Option split_option(std::string_view argument) {
  argument.remove_prefix(argument.starts_with("--") ? 2 : 1);
  const auto equals = argument.find('=');
  if (equals == std::string_view::npos) return {argument, std::nullopt};
  return {argument.substr(0, equals), argument.substr(equals + 1)};
}

template <std::size_t N>
bool among(std::string_view name, const std::array<std::string_view, N>& names) {
  for (const auto one : names) {
    if (one == name) return true;
  }
  return false;
}

/// Walks over options from `at`; gives each to `use` and stops at the first argument that is none.
template <std::size_t N, class Use>
std::size_t take_options(const Arguments& arguments, std::size_t at, const std::array<std::string_view, N>& with_value,
                         Use use) {
  while (at < arguments.size()) {
    const std::string_view argument = arguments[at];
    if (argument == "--") return at + 1;
    if (argument.size() < 2 || argument[0] != '-') return at;
    ++at;
    auto option = split_option(argument);
    // crun's "-bDIR"; "-b" alone and runc's "-b=DIR" are ordinary.
    if (!option.value && argument.starts_with("-b") && argument.size() > 2 && !argument.starts_with("-bundle")) {
      option = {"b", argument.substr(2)};
    }
    if (!option.value && among(option.name, with_value)) {
      if (at == arguments.size()) return at;
      option.value = arguments[at++];
    }
    if (option.value) use(option.name, *option.value);
  }
  return at;
}

std::optional<Invocation::Command> command_of(std::string_view word) {
  if (word == "create") return Invocation::Command::create;
  if (word == "run") return Invocation::Command::run;
  if (word == "start") return Invocation::Command::start;
  return std::nullopt;
}

}  // namespace

std::optional<Invocation> parse_invocation(const Arguments& arguments) {
  if (arguments.empty()) return std::nullopt;
  Invocation out;
  auto at = take_options(arguments, 1, kGlobalValues, [&](std::string_view name, std::string_view value) {
    if (name == "root") out.state_root = value;
  });
  if (at >= arguments.size()) return std::nullopt;
  const auto command = command_of(arguments[at]);
  if (!command) return std::nullopt;
  out.command = *command;
  const auto take_bundle = [&](std::string_view name, std::string_view value) {
    if (name == "bundle" || name == "b") out.bundle = value;
  };
  at = take_options(arguments, at + 1, kCommandValues, take_bundle);
  if (at >= arguments.size() || arguments[at].empty()) return std::nullopt;
  out.id = arguments[at];
  // crun takes options after the id too; runc would refuse them, so they do no harm.
  take_options(arguments, at + 1, kCommandValues, take_bundle);
  return out;
}

}  // namespace holdfast::container
