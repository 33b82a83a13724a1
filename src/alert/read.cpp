#include "holdfast/alert/read.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <boost/json/array.hpp>
#include <boost/json/error.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "holdfast/base/printable.h"
#include "holdfast/base/sha256.h"
#include "holdfast/base/text.h"

#include "words.h"

namespace holdfast::alert {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 8;
constexpr int kLastYear = 2261;  // the clock counts nanoseconds in 64 bits
constexpr std::string_view kPrefix = "HOLDFAST_";
constexpr std::string_view kMark = "…";
/// Objects within an alert; a longer name that starts like a shorter one comes first.
constexpr std::array<std::string_view, 6> kParts = {"made_executable", "image_file", "container", "file",
                                                    "process",         "writer"};

json::string_view view(std::string_view text) { return {text.data(), text.size()}; }

/// Takes the fields of one object, and keeps the first thing that is wrong.
class Taker {
 public:
  Taker(const json::object& object, std::string prefix, Record& record, std::optional<Error>& wrong)
      : object_(object), prefix_(std::move(prefix)), record_(record), wrong_(wrong) {}

  /// `limit`: the sink's. Null is how journalctl says that a value was too long for it.
  Taker& text(std::string_view key, std::string& out, std::size_t limit) {
    const json::value* const value = find(key);
    if (value == nullptr) return *this;
    if (value->is_null()) return cut(key);
    if (!value->is_string()) return complain(key, "is not text");
    const std::string_view shown(value->get_string().data(), value->get_string().size());
    if (shown.size() > limit) return complain(key, "is longer than any that Holdfast writes");
    // shorten() takes off as little as it can: at most one character's bytes more than the mark takes.
    if (shown.ends_with(kMark) && shown.size() + kMark.size() > limit) return cut(key);
    auto bytes = parse_printable(shown);
    if (!bytes) return complain(key, bytes.error().message);
    out = std::move(*bytes);
    return *this;
  }
  template <class T>
  Taker& number(std::string_view key, T& out) {
    const json::value* const value = find(key);
    if (value == nullptr) return *this;
    std::uint64_t number = 0;
    const json::string* const digits = value->if_string();  // the journal's numbers are text
    if (digits != nullptr) {
      const auto [end, error] = std::from_chars(digits->data(), digits->data() + digits->size(), number);
      if (error != std::errc() || end != digits->data() + digits->size()) return complain(key, "is not a number");
    } else if (value->is_uint64()) {
      number = value->get_uint64();
    } else if (value->is_int64() && value->get_int64() >= 0) {
      number = static_cast<std::uint64_t>(value->get_int64());
    } else {
      return complain(key, "is not a whole number from 0 on");
    }
    out = static_cast<T>(number);
    if (static_cast<std::uint64_t>(out) != number) return complain(key, "is too large");
    return *this;
  }
  template <class T>
  Taker& number(std::string_view key, std::optional<T>& out) {
    if (find(key) == nullptr) return *this;
    return number(key, out.emplace());
  }
  Taker& permissions(std::string_view key, std::optional<mode_t>& out) {
    std::string octal;
    text(key, octal, kMaxWord);
    if (octal.empty()) return *this;
    mode_t mode = 0;
    const auto [end, error] = std::from_chars(octal.data(), octal.data() + octal.size(), mode, 8);
    if (error != std::errc() || end != octal.data() + octal.size() || mode > 07777) {
      return complain(key, "is no file mode");
    }
    out = mode;
    return *this;
  }
  Taker& digest(std::string_view key, std::string& out) {
    text(key, out, kMaxWord);
    if (!out.empty() && !parse_sha256(out)) return complain(key, "is not a SHA-256");
    return *this;
  }
  Taker& complain(std::string_view key, std::string_view what) {
    if (!wrong_) wrong_ = Error{0, fmt::format("{}{} {}", prefix_, key, what)};
    return *this;
  }

 private:
  [[nodiscard]] const json::value* find(std::string_view key) const { return object_.if_contains(view(key)); }
  Taker& cut(std::string_view key) {
    record_.cut.push_back(fmt::format("{}{}", prefix_, key));
    return *this;
  }

  const json::object& object_;
  const std::string prefix_;
  Record& record_;
  std::optional<Error>& wrong_;
};

std::optional<Kind> parse_kind(std::string_view text) {
  for (const Kind kind : {Kind::drift, Kind::exposure, Kind::override_, Kind::service}) {
    if (to_string(kind) == text) return kind;
  }
  return std::nullopt;
}

/// As rfc3339() writes it.
std::optional<Wall::time_point> parse_time(std::string_view text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00.000000Z";
  if (text.size() != kShape.size()) return std::nullopt;
  std::array<int, 7> parts{};
  std::size_t part = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == '0' ? !digit : text[i] != kShape[i]) return std::nullopt;
    if (digit) {
      parts.at(part) = parts.at(part) * 10 + (text[i] - '0');
    } else if (++part > parts.size()) {
      return std::nullopt;
    }
  }
  const auto [year, month, day, hour, minute, second, micros] = parts;
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || year < 1970 || year > kLastYear || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
         std::chrono::seconds{second} + std::chrono::microseconds{micros};
}

/// The fields of one JSON object as a sink writes it.
class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  Result<Record> read() {
    std::string time, kind;
    top().text("time", time, kMaxWord).text("kind", kind, kMaxWord);
    top().text("verdict", alert().verdict, kMaxWord).text("reason", alert().reason, kMaxWord);
    top().text("mode", alert().mode, kMaxWord).text("policy", alert().policy, kMaxWord);
    top().text("rule", alert().rule, kMaxWord).number("repeats", alert().repeats);
    const auto moment = parse_time(time);
    const auto known = parse_kind(kind);
    if (!moment) top().complain("time", "is missing, or no time in UTC like 2026-11-22T20:14:13.000123Z");
    if (!known) top().complain("kind", "is missing, or none of drift, exposure, override and service");
    read_container();
    read_files();
    read_processes();
    if (wrong_) return *wrong_;
    alert().time = *moment;
    alert().kind = *known;
    return std::move(record_);
  }

 private:
  Alert& alert() { return record_.alert; }
  Taker top() { return {object_, "", record_, wrong_}; }

  /// What is not there reads like an object without fields.
  const json::object* part(const char* name) {
    const json::value* const value = object_.if_contains(name);
    if (value == nullptr) return nullptr;
    if (!value->is_object()) top().complain(name, "is not an object");
    return value->if_object();
  }

  void read_container() {
    const auto* const object = part("container");
    if (object == nullptr) return;
    auto& container = alert().container.emplace();
    Taker(*object, "container.", record_, wrong_)
        .text("id", container.id, kMaxWord)
        .text("name", container.name, kMaxWord)
        .text("image", container.image, kMaxReference)
        .text("image_digest", container.image_digest, kMaxWord)
        .text("runtime", container.runtime, kMaxWord)
        .text("namespace", container.name_space, kMaxWord)
        .text("pod", container.pod, kMaxWord);
  }

  void read_files() {
    if (const auto* const object = part("file")) {
      auto& file = alert().file.emplace();
      Taker(*object, "file.", record_, wrong_)
          .text("path", file.path, kMaxPath)
          .digest("sha256", file.sha256)
          .number("size", file.size)
          .permissions("mode", file.mode)
          .text("layer", file.layer, kMaxWord)
          .text("mount", file.mount, kMaxPath);
    }
    if (const auto* const object = part("image_file")) {
      auto& file = alert().image_file.emplace();
      std::optional<mode_t> mode;
      Taker(*object, "image_file.", record_, wrong_)
          .digest("sha256", file.sha256)
          .number("size", file.size)
          .permissions("mode", mode);
      file.mode = mode.value_or(0);
    }
  }

  void read_processes() {
    if (const auto* const object = part("process")) {
      auto& process = alert().process.emplace();
      Taker(*object, "process.", record_, wrong_).number("pid", process.pid).text("exe", process.exe, kMaxPath);
    }
    if (const auto* const object = part("writer")) {
      auto& writer = alert().writer.emplace();
      Taker(*object, "writer.", record_, wrong_).number("pid", writer.pid).text("exe", writer.exe, kMaxPath);
    }
  }

  const json::object& object_;
  Record record_;
  std::optional<Error> wrong_;
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

/// "container_id" goes to container.id; anything else to the alert itself.
void put(json::object& alert, const std::string& name, json::value value) {
  for (const auto part : kParts) {
    if (!name.starts_with(part) || name.size() <= part.size() + 1 || name[part.size()] != '_') continue;
    json::value& object = alert[view(part)];
    if (!object.is_object()) object = json::object();
    object.as_object()[name.substr(part.size() + 1)] = std::move(value);
    return;
  }
  alert[name] = std::move(value);
}

Result<std::optional<Record>> read_object(const json::object& object) {
  auto record = Reader(object).read();
  if (!record) return record.error();
  return std::optional(std::move(*record));
}

bool holds(const json::object& entry, const char* key, std::string_view wanted) {
  const json::value* const value = entry.if_contains(key);
  return value != nullptr && value->is_string() && value->get_string() == view(wanted);
}

/// Microseconds since the epoch: when the service sent it, else when the journal got it.
std::optional<Wall::time_point> journal_time(const json::object& entry) {
  for (const char* key : {"_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"}) {
    const json::value* const value = entry.if_contains(key);
    if (value == nullptr || !value->is_string()) continue;
    const auto& digits = value->get_string();
    std::int64_t micros = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), micros);
    constexpr std::int64_t kYear = std::int64_t{366} * 24 * 3600 * 1'000'000;
    const bool fits = micros >= 0 && micros < (kLastYear - 1970) * kYear;
    if (error == std::errc() && end == digits.data() + digits.size() && fits) {
      return Wall::time_point(std::chrono::duration_cast<Wall::duration>(std::chrono::microseconds(micros)));
    }
  }
  return std::nullopt;
}

Result<std::optional<Record>> read_journal_entry(const json::object& entry) {
  if (!entry.contains("HOLDFAST_KIND")) return std::optional<Record>();
  if (!holds(entry, "_UID", "0") || !holds(entry, "SYSLOG_IDENTIFIER", "holdfastd")) return std::optional<Record>();
  const auto time = journal_time(entry);
  if (!time) return Error{0, "the journal entry has no time"};
  json::object alert;
  alert["time"] = rfc3339(*time);
  for (const auto& [key, value] : entry) {
    const std::string_view name(key.data(), key.size());
    if (name.starts_with(kPrefix)) put(alert, lower(name.substr(kPrefix.size())), value);
  }
  return read_object(alert);
}

json::value parse_bounded(std::string_view line, boost::system::error_code& failure) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  return json::parse(view(line), failure, {}, options);
}

}  // namespace

Result<std::optional<Record>> read_record(std::string_view line) {
  if (line.size() > kMaxRecord) return Error{0, fmt::format("the line is longer than {} bytes", kMaxRecord)};
  boost::system::error_code failure;
  const json::value value = parse_bounded(line, failure);
  if (failure) return Error{0, fmt::format("not valid JSON, or cut short: {}", failure.message())};
  if (!value.is_object())
    return Error{0, "not a JSON object; a line of a file: sink or of journalctl -o json would be"};
  const json::object& object = value.get_object();
  return object.contains("__REALTIME_TIMESTAMP") ? read_journal_entry(object) : read_object(object);
}

Result<std::optional<Record>> read_record(const std::vector<std::pair<std::string, std::string>>& journal_fields,
                                          Wall::time_point time) {
  json::object alert;
  alert["time"] = rfc3339(time);
  for (const auto& [name, value] : journal_fields) {
    if (std::string_view(name).starts_with(kPrefix))
      put(alert, lower(name.substr(kPrefix.size())), json::string(value));
  }
  if (!alert.contains("kind")) return std::optional<Record>();
  return read_object(alert);
}

bool is_half_a_record(std::string_view line) {
  if (!line.starts_with('{') || line.size() > kMaxRecord) return false;
  boost::system::error_code failure;
  (void)parse_bounded(line, failure);
  return failure == json::error::incomplete;
}

}  // namespace holdfast::alert
