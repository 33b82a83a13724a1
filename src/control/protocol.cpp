#include "holdfast/control/protocol.h"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "holdfast/base/printable.h"
#include "holdfast/base/text.h"

namespace holdfast::control {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxRequestDepth = 4;
constexpr std::size_t kMaxAnswerDepth = 16;
constexpr std::size_t kMaxCommandName = 64;

Result<json::object> parse_object(std::string_view line, std::size_t max_depth) {
  json::parse_options options;
  options.max_depth = max_depth;
  boost::system::error_code failure;
  json::value value = json::parse({line.data(), line.size()}, failure, {}, options);
  if (failure) return Error{0, fmt::format("not valid JSON: {}", failure.message())};
  if (!value.is_object()) return Error{0, "not a JSON object"};
  return std::move(value.as_object());
}

bool is_command_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxCommandName &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || c == '.' || c == '-'; });
}

Error wrong_type(std::string_view name, std::string_view expected) {
  return {0, fmt::format("argument \"{}\" is not {}", printable(name), expected)};
}

Result<Answer> parse_answer(json::object& object) {
  const json::value* ok = object.if_contains("ok");
  if (ok == nullptr || !ok->is_bool()) return Error{0, "the answer is neither an event nor final"};
  if (ok->get_bool()) {
    json::value* result = object.if_contains("result");
    if (result == nullptr) return Error{0, "the answer has no result"};
    return Answer{std::move(*result)};
  }
  const json::value* error = object.if_contains("error");
  const json::object* fields = error != nullptr ? error->if_object() : nullptr;
  if (fields == nullptr) return Error{0, "the answer is a failure without an error"};
  const json::value* status = fields->if_contains("status");
  const json::value* message = fields->if_contains("message");
  if (status == nullptr || !status->is_int64() || status->get_int64() < 1 || status->get_int64() > 4 ||
      message == nullptr || !message->is_string()) {
    return Error{0, "the answer's error has no status and message"};
  }
  const json::string& words = message->get_string();
  return Answer{Failure{static_cast<Status>(status->get_int64()), std::string(words.data(), words.size())}};
}

}  // namespace

Result<void> Request::only(std::initializer_list<std::string_view> names) const {
  for (const auto& member : arguments) {
    const std::string_view key(member.key().data(), member.key().size());
    if (std::ranges::find(names, key) == names.end()) {
      return Error{0, fmt::format("\"{}\" does not take an argument \"{}\"", command, printable(key))};
    }
  }
  return {};
}

Result<std::optional<std::string>> Request::text(std::string_view name) const {
  const json::value* value = arguments.if_contains({name.data(), name.size()});
  if (value == nullptr) return std::optional<std::string>{};
  if (!value->is_string()) return wrong_type(name, "a string");
  auto bytes = parse_printable({value->get_string().data(), value->get_string().size()});
  if (!bytes) return Error{0, fmt::format("argument \"{}\": {}", printable(name), bytes.error().message)};
  return std::optional<std::string>{std::move(*bytes)};
}

Result<std::string> Request::required_text(std::string_view name) const {
  auto value = text(name);
  if (!value) return value.error();
  if (!value->has_value() || (*value)->empty()) {
    return Error{0, fmt::format("\"{}\" needs an argument \"{}\"", command, name)};
  }
  return std::move(**value);
}

Result<bool> Request::flag(std::string_view name) const {
  const json::value* value = arguments.if_contains({name.data(), name.size()});
  if (value == nullptr) return false;
  if (!value->is_bool()) return wrong_type(name, "true or false");
  return value->get_bool();
}

Result<std::optional<std::int64_t>> Request::number(std::string_view name) const {
  const json::value* value = arguments.if_contains({name.data(), name.size()});
  if (value == nullptr) return std::optional<std::int64_t>{};
  if (!value->is_int64() || value->get_int64() < 0) return wrong_type(name, "a whole number from 0 on");
  return std::optional<std::int64_t>{value->get_int64()};
}

Result<Request> parse_request(std::string_view line) {
  if (line.size() > kMaxRequest) return Error{0, fmt::format("the request is longer than {} bytes", kMaxRequest)};
  auto object = parse_object(line, kMaxRequestDepth);
  if (!object) return Error{0, fmt::format("the request is {}", object.error().message)};
  const json::value* command = object->if_contains("command");
  if (command == nullptr || !command->is_string()) return Error{0, "the request has no \"command\""};
  Request request;
  request.command.assign(command->get_string().data(), command->get_string().size());
  if (!is_command_name(request.command)) return Error{0, "the request's \"command\" is not a command's name"};
  object->erase("command");
  request.arguments = std::move(*object);
  return request;
}

Result<Message> parse_message(std::string_view line) {
  auto object = parse_object(line, kMaxAnswerDepth);
  if (!object) return Error{0, fmt::format("the answer is {}", object.error().message)};
  Message message;
  if (json::value* item = object->if_contains("item")) {
    message.kind = Message::Kind::item;
    message.value = std::move(*item);
    return message;
  }
  if (json::value* progress = object->if_contains("progress")) {
    message.kind = Message::Kind::progress;
    message.value = std::move(*progress);
    return message;
  }
  auto answer = parse_answer(*object);
  if (!answer) return answer.error();
  message.answer = std::move(*answer);
  return message;
}

std::string request_line(std::string_view command, boost::json::object arguments) {
  arguments["command"] = json::string_view(command.data(), command.size());
  return json::serialize(arguments) + '\n';
}

std::string item_line(const boost::json::value& item) { return json::serialize(json::object{{"item", item}}) + '\n'; }

std::string progress_line(const boost::json::value& progress) {
  return json::serialize(json::object{{"progress", progress}}) + '\n';
}

std::string answer_line(const Answer& answer) {
  json::object line;
  if (const auto* failure = std::get_if<Failure>(&answer)) {
    line["ok"] = false;
    // A message may quote anything, and JSON asks for valid UTF-8.
    line["error"] =
        json::object{{"status", static_cast<std::int64_t>(failure->status)}, {"message", readable(failure->message)}};
  } else {
    line["ok"] = true;
    line["result"] = std::get<json::value>(answer);
  }
  return json::serialize(line) + '\n';
}

Result<std::string> parse_printable(std::string_view text) { return holdfast::parse_printable(text); }

std::string readable(std::string_view text) {
  std::string out;
  while (true) {
    const auto backslash = text.find('\\');
    out += printable(text.substr(0, backslash));
    if (backslash == std::string_view::npos) return out;
    out += '\\';
    text.remove_prefix(backslash + 1);
  }
}

}  // namespace holdfast::control
