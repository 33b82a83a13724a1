#include "holdfast/cli/journal.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>
#include <systemd/sd-journal.h>

#include "holdfast/base/text.h"
#include "holdfast/control/protocol.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostFields = 256;
constexpr std::size_t kMostFieldBytes = std::size_t{256} * 1024;
constexpr std::string_view kPrefix = "HOLDFAST_";

/// Objects within an alert; a longer name that starts like a shorter one comes first.
constexpr std::array<std::string_view, 7> kParts = {"image_file", "container",       "file",  "process",
                                                    "writer",     "made_executable", "advice"};
constexpr std::array<std::string_view, 7> kNumbers = {
    "size", "uid", "gid", "pid", "ppid", "repeats", "package_manager_pid"};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

json::value text_value(std::string_view value) { return json::string(control::readable(value)); }

json::value field_value(std::string_view key, const std::string& value) {
  if (std::ranges::find(kNumbers, key) != kNumbers.end()) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error == std::errc() && end == value.data() + value.size()) return number;
  }
  if (key == "ancestors") {
    json::parse_options options;
    options.max_depth = 4;
    boost::system::error_code failure;
    json::value list = json::parse(value, failure, {}, options);
    if (!failure) return list;
  }
  return text_value(value);
}

/// "container_id" goes to container.id; anything else to the alert itself.
void put(json::object& alert, const std::string& name, const std::string& value) {
  for (const auto part : kParts) {
    if (!name.starts_with(part) || name.size() <= part.size() + 1 || name[part.size()] != '_') continue;
    const std::string key = name.substr(part.size() + 1);
    json::value& object = alert[json::string_view(part.data(), part.size())];
    if (!object.is_object()) object = json::object();
    object.as_object()[key] = field_value(key, value);
    return;
  }
  alert[name] = field_value(name, value);
}

Error journal_error(int result, std::string_view what) { return errno_error(-result, what); }

}  // namespace

json::object alert_object(const JournalEntry& entry) {
  json::object alert;
  alert["time"] = rfc3339(entry.time);
  std::string_view message;
  for (const auto& [name, value] : entry.fields) {
    if (name == "MESSAGE") message = value;
    if (name.starts_with(kPrefix)) put(alert, lower(std::string_view(name).substr(kPrefix.size())), value);
  }
  alert["message"] = text_value(message);
  return alert;
}

bool is_about(const json::object& alert, std::string_view container) {
  const json::value* named = alert.if_contains("container");
  if (named == nullptr || !named->is_object() || container.empty()) return false;
  const auto member = [&](json::string_view key) -> std::string_view {
    const json::value* value = named->get_object().if_contains(key);
    if (value == nullptr || !value->is_string()) return {};
    return {value->get_string().data(), value->get_string().size()};
  };
  const std::string wanted = printable(container);
  return member("id").starts_with(wanted) || member("name") == wanted;
}

class Journal::Impl {
 public:
  explicit Impl(sd_journal* journal) : journal_(journal) {}
  ~Impl() { ::sd_journal_close(journal_); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] sd_journal* get() const { return journal_; }

  /// Only the service's own entries. _UID is the journal's word, not the sender's.
  [[nodiscard]] Result<void> narrow() const {
    for (const char* match : {"SYSLOG_IDENTIFIER=holdfastd", "_UID=0"}) {
      if (const int result = ::sd_journal_add_match(journal_, match, 0); result < 0) {
        return journal_error(result, "cannot search the journal");
      }
    }
    return {};
  }

  /// An unprivileged reader gets an empty journal rather than an error.
  [[nodiscard]] Result<void> check_readable() const {
    if (::geteuid() == 0) return {};
    ::sd_journal_add_match(journal_, "_UID=0", 0);
    ::sd_journal_seek_head(journal_);
    const bool readable = ::sd_journal_next(journal_) > 0;
    ::sd_journal_flush_matches(journal_);
    if (readable) return {};
    return Error{EACCES,
                 "not permitted to read the system's journal; run this as root or as a member of systemd-journal"};
  }

  [[nodiscard]] JournalEntry read() const {
    JournalEntry entry;
    entry.time = Wall::time_point(std::chrono::duration_cast<Wall::duration>(std::chrono::microseconds(source_time())));
    ::sd_journal_set_data_threshold(journal_, kMostFieldBytes);
    ::sd_journal_restart_data(journal_);
    const void* data = nullptr;
    std::size_t size = 0;
    while (entry.fields.size() < kMostFields && ::sd_journal_enumerate_available_data(journal_, &data, &size) > 0) {
      const std::string_view field(static_cast<const char*>(data), std::min(size, kMostFieldBytes));
      const auto equals = field.find('=');
      if (equals != std::string_view::npos)
        entry.fields.emplace_back(field.substr(0, equals), field.substr(equals + 1));
    }
    return entry;
  }

 private:
  /// Microseconds: when the service sent it, else when the journal got it.
  [[nodiscard]] std::uint64_t source_time() const {
    constexpr std::string_view kField = "_SOURCE_REALTIME_TIMESTAMP";
    std::uint64_t time = 0;
    const void* data = nullptr;
    std::size_t size = 0;
    if (::sd_journal_get_data(journal_, kField.data(), &data, &size) >= 0 && size > kField.size() + 1) {
      const char* const text = static_cast<const char*>(data);
      if (std::from_chars(text + kField.size() + 1, text + size, time).ec == std::errc()) return time;
    }
    ::sd_journal_get_realtime_usec(journal_, &time);
    return time;
  }

  sd_journal* const journal_;
};

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Journal::Journal(Journal&&) noexcept = default;
Journal& Journal::operator=(Journal&&) noexcept = default;
Journal::~Journal() = default;

Result<Journal> Journal::open(const std::optional<std::string>& directory) {
  sd_journal* journal = nullptr;
  const int result = directory ? ::sd_journal_open_directory(&journal, directory->c_str(), 0)
                               : ::sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
  if (result < 0) {
    return journal_error(result, fmt::format("cannot open the journal{}{}", directory ? " in " : "",
                                             directory ? printable(*directory) : ""));
  }
  auto impl = std::make_unique<Impl>(journal);
  if (auto readable = impl->check_readable(); !readable) return readable.error();
  if (auto narrowed = impl->narrow(); !narrowed) return narrowed.error();
  return Journal(std::move(impl));
}

Result<void> Journal::seek_since(Wall::time_point since) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(since.time_since_epoch()).count();
  const int result =
      ::sd_journal_seek_realtime_usec(impl_->get(), static_cast<std::uint64_t>(std::max<std::int64_t>(micros, 0)));
  if (result < 0) return journal_error(result, "cannot search the journal");
  return {};
}

Result<void> Journal::seek_last(std::uint64_t count) {
  int result = ::sd_journal_seek_tail(impl_->get());
  // One more than asked for: next() moves on before it reads. At the journal's beginning it must not.
  if (result >= 0) result = ::sd_journal_previous_skip(impl_->get(), count + 1);
  if (result >= 0 && static_cast<std::uint64_t>(result) <= count) result = ::sd_journal_seek_head(impl_->get());
  if (result < 0) return journal_error(result, "cannot search the journal");
  return {};
}

Result<std::optional<JournalEntry>> Journal::next() {
  while (true) {
    const int result = ::sd_journal_next(impl_->get());
    if (result < 0) return journal_error(result, "cannot read the journal");
    if (result == 0) return std::optional<JournalEntry>{};
    const void* data = nullptr;
    std::size_t size = 0;
    // The service logs other things too; alerts have a kind.
    if (::sd_journal_get_data(impl_->get(), "HOLDFAST_KIND", &data, &size) < 0) continue;
    return std::optional(impl_->read());
  }
}

Result<void> Journal::wait() {
  const int result = ::sd_journal_wait(impl_->get(), static_cast<std::uint64_t>(-1));
  if (result < 0) return journal_error(result, "cannot wait for the journal");
  return {};
}

}  // namespace holdfast::cli
