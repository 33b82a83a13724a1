#include "holdfast/cli/arguments.h"

#include <boost/program_options/cmdline.hpp>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/option.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <fmt/format.h>

#include "holdfast/base/text.h"

namespace holdfast::cli {
namespace {

namespace po = boost::program_options;

po::options_description describe_options(const std::vector<Option>& options) {
  po::options_description out;
  for (const auto& option : options) {
    const std::string name = option.letter == 0 ? option.name : fmt::format("{},{}", option.name, option.letter);
    // The description takes ownership of the semantic.
    const po::value_semantic* semantic =
        option.value.empty() ? new po::untyped_value(true) : new po::untyped_value(false);
    out.add_options()(name.c_str(), semantic);
  }
  return out;
}

Result<void> check_words(const std::vector<std::string>& words, WordCount allowed) {
  if (words.size() < allowed.least) return Error{0, "an argument is missing"};
  if (words.size() > allowed.most) {
    return Error{0, fmt::format("unexpected argument '{}'", printable(words[allowed.most]))};
  }
  return {};
}

}  // namespace

std::optional<std::string> Arguments::value(const std::string& option) const {
  const auto found = values.find(option);
  if (found == values.end()) return std::nullopt;
  return found->second;
}

Result<Arguments> parse_arguments(const std::vector<std::string>& arguments, const std::vector<Option>& options,
                                  WordCount words) {
  namespace style = po::command_line_style;
  constexpr int kStyle = style::allow_long | style::long_allow_adjacent | style::long_allow_next | style::allow_short |
                         style::allow_dash_for_short | style::short_allow_adjacent | style::short_allow_next;
  Arguments out;
  try {
    const auto description = describe_options(options);
    const auto parsed = po::command_line_parser(arguments).options(description).style(kStyle).run();
    for (const auto& option : parsed.options) {
      if (option.position_key >= 0) {
        out.words.insert(out.words.end(), option.value.begin(), option.value.end());
      } else if (option.value.empty()) {
        out.flags.insert(option.string_key);
      } else if (!out.values.emplace(option.string_key, option.value.front()).second) {
        return Error{0, fmt::format("option '--{}' is given twice", option.string_key)};
      }
    }
  } catch (const po::error& error) {
    return Error{0, printable(error.what())};
  }
  if (auto fits = check_words(out.words, words); !fits) return fits.error();
  return out;
}

}  // namespace holdfast::cli
