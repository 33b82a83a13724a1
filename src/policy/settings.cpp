#include "holdfast/policy/settings.h"

#include <fcntl.h>

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "drift_section.h"
#include "ini.h"
#include "read_file.h"
#include "values.h"

namespace holdfast::policy {
namespace {

using Complaint = std::optional<std::string>;

Complaint take_directory(const Entry& entry, std::string& directory) {
  std::string value = entry.value;
  while (value.size() > 1 && value.back() == '/') value.pop_back();
  if (auto wrong = path_complaint(value)) return wrong;
  directory = std::move(value);
  return std::nullopt;
}

Complaint take_runtime(const Entry& entry, std::vector<std::string>& runtimes) {
  if (auto wrong = path_complaint(entry.value)) return wrong;
  runtimes.push_back(entry.value);
  return std::nullopt;
}

Complaint take_sink(const Entry& entry, std::vector<std::string>& sinks) {
  constexpr std::string_view kFilePrefix = "file:";
  const std::string_view value = entry.value;
  if (value.starts_with(kFilePrefix)) {
    if (auto wrong = path_complaint(value.substr(kFilePrefix.size()))) return wrong;
  } else if (value != "journald" && value != "stderr") {
    return fmt::format("{} is not a place for alerts; journald, stderr or file:/path would be right", in_quotes(value));
  }
  if (std::find(sinks.begin(), sinks.end(), value) != sinks.end()) {
    return fmt::format("{} is there twice; once would be right", in_quotes(value));
  }
  sinks.emplace_back(value);
  return std::nullopt;
}

Complaint take_kernel_audit(const Entry& entry) {
  const auto wanted = parse_switch(entry.value);
  if (!wanted) return fmt::format("{} is not a switch; no would be right", in_quotes(entry.value));
  if (!*wanted) return std::nullopt;
  return "not supported by this version: denials are not sent to the kernel's audit log yet; no, or leaving the key "
         "out would be right";
}

Complaint take_deadline(const Entry& entry, std::chrono::milliseconds& deadline) {
  using namespace std::chrono_literals;
  const auto duration = parse_duration(entry.value);
  if (!duration || *duration < 1ms || *duration > 60s) {
    return fmt::format("{} is not a deadline; a duration from 1ms to 60s, like 500ms, would be right",
                       in_quotes(entry.value));
  }
  deadline = *duration;
  return std::nullopt;
}

Complaint take_absence(const Entry& entry, bool& hold) {
  if (entry.value != "allow" && entry.value != "hold") {
    return fmt::format("{} is not an answer; allow or hold would be right", in_quotes(entry.value));
  }
  hold = entry.value == "hold";
  return std::nullopt;
}

Complaint take_threads(const Entry& entry, unsigned& threads) {
  constexpr std::uint64_t kMost = 256;
  const auto number = parse_size(entry.value);
  const bool digits = entry.value.find_first_not_of("0123456789") == std::string::npos;
  if (!number || !digits || *number > kMost) {
    return fmt::format("{} is not a number of threads; 0 (one per core) to {} would be right", in_quotes(entry.value),
                       kMost);
  }
  threads = static_cast<unsigned>(*number);
  return std::nullopt;
}

Result<void> parse_service(const Section& section, const std::string& file, Settings& settings) {
  std::vector<std::string> sinks;
  const std::vector<Key> keys = {
      {"StateDirectory", false, [&](const Entry& e) { return take_directory(e, settings.state_directory); }},
      {"RuntimeDirectory", false, [&](const Entry& e) { return take_directory(e, settings.runtime_directory); }},
      {"PolicyDirectory", false, [&](const Entry& e) { return take_directory(e, settings.policy_directory); }},
      {"Runtime", true, [&](const Entry& e) { return take_runtime(e, settings.runtimes); }},
      {"Alert", true, [&](const Entry& e) { return take_sink(e, sinks); }},
      {"KernelAudit", false, take_kernel_audit},
  };
  if (auto taken = take_entries(section, keys, file); !taken) return taken.error();
  if (!sinks.empty()) settings.alerts = std::move(sinks);
  return {};
}

Result<void> parse_gate(const Section& section, const std::string& file, Settings& settings) {
  std::optional<Verdict> on_deadline;
  const std::vector<Key> keys = {
      {"Deadline", false, [&](const Entry& e) { return take_deadline(e, settings.deadline); }},
      {"OnDeadline", false, [&](const Entry& e) { return take_deadline_answer(e.value, on_deadline); }},
      {"OnAbsence", false, [&](const Entry& e) { return take_absence(e, settings.hold_on_absence); }},
      {"HashThreads", false, [&](const Entry& e) { return take_threads(e, settings.hash_threads); }},
  };
  if (auto taken = take_entries(section, keys, file); !taken) return taken.error();
  settings.on_deadline = on_deadline.value_or(settings.on_deadline);
  return {};
}

Result<void> take_section(const Section& section, const std::string& file, Settings& settings) {
  if (section.name.empty() && section.kind == "Service") return parse_service(section, file, settings);
  if (section.name.empty() && section.kind == "Gate") return parse_gate(section, file, settings);
  if (section.name.empty() && section.kind == "Drift") {
    auto drift = parse_drift(section, file);
    if (!drift) return drift.error();
    settings.drift = *drift;
    return {};
  }
  return complaint(file, section, "unknown section; [Service], [Gate] or [Drift] would be right");
}

}  // namespace

Result<Settings> parse_settings(std::string_view text, const std::string& file) {
  const auto sections = read_ini(text, file);
  if (!sections) return sections.error();
  Settings settings;
  std::set<std::string_view> seen;
  for (const Section& section : *sections) {
    if (auto taken = take_section(section, file, settings); !taken) return taken.error();
    if (!seen.insert(section.kind).second) {
      return complaint(file, section, "the section is there twice; one of them would be right");
    }
  }
  return settings;
}

Result<Settings> load_settings(const std::string& file) {
  const auto text = read_file(AT_FDCWD, file, file, Trust::administrator);
  if (!text) return text.error();
  return parse_settings(*text, file);
}

}  // namespace holdfast::policy
