#include "json_read.h"

#include <cerrno>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

namespace holdfast::container {

namespace json = boost::json;

Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = 32;
  // Paths and labels of hostile makers need not be UTF-8; what prints them escapes them.
  options.allow_invalid_utf8 = true;
  json::error_code failed;
  auto value = json::parse({text.data(), text.size()}, failed, {}, options);
  if (failed) return Error{EINVAL, fmt::format("not JSON: {}", failed.message())};
  return value;
}

const json::object* object_at(const json::object& in, std::string_view key) {
  const auto* found = in.if_contains({key.data(), key.size()});
  return found == nullptr ? nullptr : found->if_object();
}

std::string string_at(const json::object& in, std::string_view key) {
  const auto* found = in.if_contains({key.data(), key.size()});
  const auto* text = found == nullptr ? nullptr : found->if_string();
  return text == nullptr ? std::string{} : std::string(text->data(), text->size());
}

std::map<std::string, std::string> strings_at(const json::object& in, std::string_view key, std::size_t limit) {
  std::map<std::string, std::string> out;
  const auto* members = object_at(in, key);
  if (members == nullptr) return out;
  for (const auto& member : *members) {
    if (out.size() >= limit) break;
    if (const auto* text = member.value().if_string()) {
      out.emplace(std::string(member.key()), std::string(text->data(), text->size()));
    }
  }
  return out;
}

}  // namespace holdfast::container
