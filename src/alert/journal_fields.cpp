// The journal's view of an alert is its JSON object with flattened names, so the two cannot tell different stories.

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "holdfast/alert/format.h"

#include "json.h"

namespace holdfast::alert {
namespace {

namespace json = boost::json;
using JournalFields = std::vector<std::pair<std::string, std::string>>;

/// conf/holdfast.catalog explains each: fixed for ever.
std::string_view message_id(Kind kind) {
  switch (kind) {
    case Kind::drift:
      return "b3f6b726b5af43d2ac10d0c695f5eb99";
    case Kind::exposure:
      return "c4a6555bec7846158e52f54e12f6d92d";
    case Kind::override_:
      return "7b93666d6cca464e8e21891cba23849b";
    case Kind::service:
      return "01b9ad7a1e8c4229a62657743d0d1102";
  }
  return {};
}

/// syslog(3): 3 error, 4 warning, 5 notice.
std::string_view priority(const Alert& alert) {
  switch (alert.kind) {
    case Kind::drift:
      return alert.reason == "unmediated" ? "3" : "4";
    case Kind::exposure:
      return "3";
    case Kind::override_:
      return "5";
    case Kind::service:
      return "4";
  }
  return "4";
}

std::string field_name(std::string_view prefix, std::string_view key) {
  std::string name(prefix);
  name += '_';
  for (const char c : key) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

std::string field_value(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

}  // namespace

JournalFields to_journal(const Alert& alert) {
  const json::object object = json_object(alert);
  JournalFields fields = {{"MESSAGE", field_value(object.at("message"))},
                          {"PRIORITY", std::string(priority(alert))},
                          {"MESSAGE_ID", std::string(message_id(alert.kind))},
                          {"SYSLOG_IDENTIFIER", "holdfastd"}};
  for (const auto& [key, value] : object) {
    if (key == "message" || key == "time") continue;  // MESSAGE and the journal's own
    const std::string name = field_name("HOLDFAST", key);
    if (const json::object* const part = value.if_object()) {
      for (const auto& [part_key, part_value] : *part) {
        fields.emplace_back(field_name(name, part_key), field_value(part_value));
      }
    } else {
      fields.emplace_back(name, field_value(value));
    }
  }
  return fields;
}

}  // namespace holdfast::alert
