#include "seal_section.h"

#include <fmt/format.h>

#include "values.h"

namespace holdfast::policy {
namespace {

constexpr std::string_view kFile = "file:";

std::optional<std::string> take_window(const Entry& entry, Seal& seal) {
  const auto window = parse_duration(entry.value);
  if (!window || *window < std::chrono::seconds(1) || *window > std::chrono::hours(1)) {
    return fmt::format("{} is not a window; 1s to 1h, like 30s, would be right", in_quotes(entry.value));
  }
  seal.window = *window;
  return std::nullopt;
}

std::optional<std::string> take_until(const Entry& entry, Seal& seal) {
  const std::string_view value = entry.value;
  if (!value.starts_with(kFile)) {
    return fmt::format("{} is not the end of a window; file:/run/ready would be right", in_quotes(value));
  }
  const std::string path(value.substr(kFile.size()));
  if (auto wrong = path_complaint(path)) return wrong;
  if (path == "/") return fmt::format("{} is always there; file:/run/ready would be right", in_quotes(value));
  seal.until = path;
  return std::nullopt;
}

}  // namespace

Result<Seal> parse_seal(const Section& section, const std::string& file) {
  Seal seal;
  bool asked = false;
  const std::vector<Key> keys = {
      {"Window", false,
       [&](const Entry& entry) {
         asked = true;
         return take_window(entry, seal);
       }},
      {"Until", false,
       [&](const Entry& entry) {
         asked = true;
         return take_until(entry, seal);
       }},
  };
  if (auto taken = take_entries(section, keys, file); !taken) return taken.error();
  if (!asked) return complaint(file, section, "it has no window; Window=30s or Until=file:/run/ready would be right");
  return seal;
}

}  // namespace holdfast::policy
