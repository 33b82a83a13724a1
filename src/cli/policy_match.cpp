#include "policy_match.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "holdfast/cli/json_view.h"

namespace holdfast::cli {

std::string describe_match(const boost::json::value& match) {
  constexpr std::array<std::pair<const char*, const char*>, 6> kKeys = {{{"image", "Image"},
                                                                         {"container", "Container"},
                                                                         {"runtime", "Runtime"},
                                                                         {"namespace", "Namespace"},
                                                                         {"pod", "Pod"},
                                                                         {"label", "Label"}}};
  std::string out;
  for (const auto& [key, name] : kKeys) {
    const std::string globs = joined(match, key, "|");
    if (globs.empty()) continue;
    if (!out.empty()) out += ' ';
    out += fmt::format("{}={}", name, globs);
  }
  return out.empty() ? "any container" : out;
}

}  // namespace holdfast::cli
