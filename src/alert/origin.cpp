#include "origin.h"

#include <fmt/format.h>

#include "holdfast/alert/programs.h"

#include "words.h"

namespace holdfast::alert {
namespace {

using namespace std::chrono_literals;

struct Actor {
  std::string name;
  pid_t pid = 0;
};

std::string age(Wall::duration since) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since).count();
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  if (since < 1s) return "just before";  // also if a clock was set meanwhile
  if (seconds < 2 * kMinute) return fmt::format("{}s before", seconds);
  if (seconds < 2 * kHour) return fmt::format("{}min before", seconds / kMinute);
  if (seconds < 2 * kDay) return fmt::format("{}h before", seconds / kHour);
  return fmt::format("{} days before", seconds / kDay);
}

/// The linker's parent, and its parent, if they compile, too: people know the one that was called.
Actor whole_job(const WriterInfo& writer, std::string_view verb) {
  Actor actor{program_name(writer.exe, writer.cmdline), writer.pid};
  if (verb != "compiled") return actor;
  for (const auto& ancestor : writer.ancestors) {
    const std::string name = program_name(ancestor.exe, ancestor.cmdline);
    if (verb_of(name) != verb) break;
    actor = {name, ancestor.pid};
  }
  return actor;
}

}  // namespace

std::string origin(const WriterInfo& writer, Wall::time_point at) {
  const std::string own = program_name(writer.exe, writer.cmdline);
  std::string_view verb = to_string(writer.how);
  Actor actor{own, writer.pid};
  if (writer.how == Hand::wrote && !writer.package_manager.empty()) {
    verb = "installed";
    actor = {writer.package_manager, writer.package_manager_pid};
  } else if (writer.how == Hand::wrote) {
    verb = verb_of(own) == "installed" ? "written" : verb_of(own);  // by that name only
    actor = whole_job(writer, verb);
  }
  const std::string when = age(at - writer.time);
  if (actor.name.empty()) return fmt::format("{} by pid {} {}", verb, actor.pid, when);
  return fmt::format("{} by {} (pid {}) {}", verb, bounded_word(actor.name, kMaxWord), actor.pid, when);
}

}  // namespace holdfast::alert
