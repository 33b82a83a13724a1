#include <algorithm>

#include <fmt/format.h>

#include "holdfast/alert/format.h"
#include "holdfast/alert/programs.h"

#include "origin.h"
#include "words.h"

namespace holdfast::alert {
namespace {

constexpr std::size_t kMaxPathInMessage = 1024;  // bytes; the whole path is in its own field

std::string_view verb(const Alert& alert) {
  if (alert.verdict == "deny") return "denied";
  if (alert.verdict == "killed") return "killed";
  return "detected";
}

std::string what(const Alert& alert) {
  if (!alert.file || alert.file->path.empty()) return "a file without a name";
  return bounded_word(alert.file->path, kMaxPathInMessage);
}

std::string where(const Alert& alert) {
  constexpr std::size_t kShortId = 12;
  if (!alert.container) return "an unknown container";
  const ContainerInfo& container = *alert.container;
  std::string text = "an unknown container";
  if (!container.name.empty()) {
    text = bounded_word(container.name, kMaxWord);
  } else if (!container.id.empty()) {
    text = bounded_word(std::string_view(container.id).substr(0, kShortId), kMaxWord);
  }
  if (!container.image.empty()) text += fmt::format(" ({})", bounded_word(container.image, kMaxWord));
  return text;
}

/// What hid the file from the gate.
std::string by_what_mount(const Alert& alert) {
  if (alert.reason != "unmediated" || !alert.file || alert.file->mount.empty()) return {};
  return fmt::format(" on {}", bounded_word(alert.file->mount, kMaxPathInMessage));
}

std::string by_whom(const Alert& alert) {
  if (!alert.process || alert.process->pid == 0) return {};
  const std::string_view verb = !alert.writer ? "" : alert.verdict == "deny" ? "tried " : "run ";
  const std::string program = program_name(alert.process->exe, alert.process->cmdline);
  if (program.empty()) return fmt::format(", {}by pid {}", verb, alert.process->pid);
  return fmt::format(", {}by {} (pid {})", verb, bounded_word(program, kMaxWord), alert.process->pid);
}

std::string from_where(const Alert& alert) {
  std::string text;
  for (const auto* writer : {&alert.writer, &alert.made_executable}) {
    if (*writer) text += ", " + origin(**writer, alert.time);
  }
  return text;
}

std::string more_times(const Alert& alert) {
  if (alert.repeats == 0) return {};
  return fmt::format(", {} {} since the last alert", alert.repeats, alert.repeats == 1 ? "attempt" : "attempts");
}

}  // namespace

std::string message(const Alert& alert) {
  if (alert.kind != Kind::drift) return bounded(alert.message, kMaxSentence);
  return fmt::format("{} {} in {}: {}{}{}{}{}", verb(alert), what(alert), where(alert), bounded(alert.reason, kMaxWord),
                     by_what_mount(alert), from_where(alert), by_whom(alert), more_times(alert));
}

}  // namespace holdfast::alert
