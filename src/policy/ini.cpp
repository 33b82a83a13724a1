#include "ini.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "holdfast/base/text.h"

namespace holdfast::policy {
namespace {

constexpr std::size_t kMaxText = 1024UL * 1024;  // bytes
constexpr std::size_t kMaxLine = 64UL * 1024;    // bytes
constexpr std::size_t kMaxName = 128;            // bytes

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\f\v";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

Error at_line(const std::string& file, unsigned line, const std::string& text) {
  return {0, fmt::format("{}:{}: {}", printable(file), line, text)};
}

Result<Section> parse_header(std::string_view line, unsigned number, const std::string& file) {
  if (line.back() != ']') {
    return at_line(file, number,
                   fmt::format("{}: a section that is not closed; [NAME] would be right", in_quotes(line)));
  }
  const std::string_view inside = trimmed(line.substr(1, line.size() - 2));
  const std::size_t blank = inside.find_first_of(" \t");
  Section section;
  section.kind = inside.substr(0, blank);
  section.line = number;
  if (blank != std::string_view::npos) section.name = trimmed(inside.substr(blank));
  if (section.kind.empty()) return at_line(file, number, "a section without a name; [NAME] would be right");
  if (section.name.size() > kMaxName) {
    return complaint(file, section, fmt::format("the name is too long; at most {} bytes would be right", kMaxName));
  }
  return section;
}

std::string key_list(const std::vector<Key>& keys) {
  std::string list;
  for (const Key& key : keys) list += (list.empty() ? "" : ", ") + key.name;
  return list;
}

}  // namespace

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  return '"' + shorten(printable(text.substr(0, kLongest + 1)), kLongest) + '"';
}

Error complaint(const std::string& file, const Section& section, const std::string& text) {
  const std::string name = section.name.empty() ? section.kind : section.kind + ' ' + section.name;
  return at_line(file, section.line, fmt::format("[{}]: {}", shorten(printable(name), 2 * kMaxName), text));
}

Error complaint(const std::string& file, const Section& section, const Entry& entry, const std::string& text) {
  const std::string name = section.name.empty() ? section.kind : section.kind + ' ' + section.name;
  return at_line(file, entry.line,
                 fmt::format("[{}] {}: {}", shorten(printable(name), 2 * kMaxName),
                             shorten(printable(std::string_view(entry.key).substr(0, kMaxName)), kMaxName), text));
}

Result<std::vector<Section>> read_ini(std::string_view text, const std::string& file) {
  if (text.size() > kMaxText) {
    return Error{0, fmt::format("{}: the file is too large; at most 1 MiB would be right", printable(file))};
  }
  std::vector<Section> sections;
  unsigned number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view raw = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (raw.size() > kMaxLine) return at_line(file, number, "the line is too long; at most 64 KiB would be right");
    if (raw.find('\0') != std::string_view::npos) {
      return at_line(file, number, "the line holds a NUL byte; plain text would be right");
    }
    const std::string_view line = trimmed(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      auto section = parse_header(line, number, file);
      if (!section) return section.error();
      sections.push_back(std::move(section).value());
      continue;
    }
    const std::size_t equals = line.find('=');
    const std::string_view key = trimmed(line.substr(0, std::min(equals, line.size())));
    if (equals == std::string_view::npos || key.empty()) {
      return at_line(file, number, fmt::format("{}: not a setting; Key=value would be right", in_quotes(line)));
    }
    if (sections.empty()) {
      return at_line(file, number, fmt::format("{}: no section yet; [NAME] above it would be right", in_quotes(line)));
    }
    sections.back().entries.push_back({std::string(key), std::string(trimmed(line.substr(equals + 1))), number});
  }
  return sections;
}

Result<void> take_entries(const Section& section, const std::vector<Key>& keys, const std::string& file) {
  std::set<std::string_view> seen;
  for (const Entry& entry : section.entries) {
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.name == entry.key; });
    if (key == keys.end()) {
      return complaint(file, section, entry, fmt::format("unknown key; one of {} would be right", key_list(keys)));
    }
    if (!key->repeats && !seen.insert(key->name).second) {
      return complaint(file, section, entry, "given twice; one value would be right");
    }
    if (entry.value.empty()) continue;
    if (const auto wrong = key->take(entry)) return complaint(file, section, entry, *wrong);
  }
  return {};
}

}  // namespace holdfast::policy
