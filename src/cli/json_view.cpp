#include "holdfast/cli/json_view.h"

#include <algorithm>

#include "holdfast/cli/time_spec.h"
#include "holdfast/control/protocol.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kShortId = 12;

std::string safe(const json::string& text) { return control::readable({text.data(), text.size()}); }

}  // namespace

const json::value& member_of(const json::value& value, std::string_view key) {
  static const json::value kNothing;
  const json::object* object = value.if_object();
  const json::value* member = object != nullptr ? object->if_contains({key.data(), key.size()}) : nullptr;
  return member != nullptr ? *member : kNothing;
}

std::string text_of(const json::value& value, std::string_view key) {
  const json::string* text = member_of(value, key).if_string();
  return text != nullptr ? safe(*text) : std::string();
}

std::uint64_t number_of(const json::value& value, std::string_view key) {
  const json::value& member = member_of(value, key);
  if (member.is_uint64()) return member.get_uint64();
  if (member.is_int64() && member.get_int64() > 0) return static_cast<std::uint64_t>(member.get_int64());
  return 0;
}

bool flag_of(const json::value& value, std::string_view key) {
  const bool* flag = member_of(value, key).if_bool();
  return flag != nullptr && *flag;
}

const json::array& list_of(const json::value& value, std::string_view key) {
  static const json::array kNothing;
  const json::array* list = member_of(value, key).if_array();
  return list != nullptr ? *list : kNothing;
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

std::string joined(const json::value& value, std::string_view key, std::string_view separator) {
  std::string out;
  for (const auto& element : list_of(value, key)) {
    const json::string* text = element.if_string();
    if (text == nullptr) continue;
    if (!out.empty()) out += separator;
    out += safe(*text);
  }
  return out;
}

std::string short_id(std::string_view id) {
  // Cut without a mark: the start of an id is itself something that commands take.
  std::size_t end = std::min(kShortId, id.size());
  while (end > 0 && end < id.size() && (static_cast<unsigned char>(id[end]) & 0xc0U) == 0x80U) --end;
  return std::string(id.substr(0, end));
}

std::string container_label(const json::value& container) {
  if (auto name = text_of(container, "name"); !name.empty()) return name;
  if (const auto id = text_of(container, "id"); !id.empty()) return short_id(id);
  return "?";
}

std::string time_of(const json::value& value, std::string_view key) {
  const auto time = parse_rfc3339(text_of(value, key));
  return time ? local_time(*time) : "-";
}

}  // namespace holdfast::cli
