#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

#include <fmt/format.h>

#include "holdfast/cli/alert_layout.h"
#include "holdfast/cli/journal.h"
#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/time_spec.h"

#include "alerts_file.h"
#include "commands.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

/// What `--follow` shows of the past if no time is asked for.
constexpr std::uint64_t kRecentAlerts = 10;

/// Where the copy of the denied file is, if one was kept.
std::string evidence_of(const json::object& alert) {
  const json::value* const file = alert.if_contains("file");
  return file != nullptr ? text_of(*file, "evidence") : std::string();
}

/// By what the options ask for.
bool is_wanted(const json::object& alert, const Invocation& invocation) {
  const auto container = invocation.arguments.value("container");
  if (container && !is_about(alert, *container)) return false;
  return !invocation.arguments.has("evidence") || !evidence_of(alert).empty();
}

std::string evidence_line(const std::string& path) {
  struct stat st {};
  const bool gone = ::stat(path.c_str(), &st) != 0 && errno == ENOENT;
  return fmt::format("    {}{}\n", path, gone ? " (not there any more)" : "");
}

/// For programs and pipes a line each: an object, or the time and the sentence.
void show(Wall::time_point time, json::object alert, const Invocation& invocation, AlertLayout& layout) {
  if (invocation.json) {
    print_json(std::move(alert));
    return;
  }
  const json::value value(std::move(alert));
  const bool for_people = invocation.out.interactive;
  print(for_people ? layout.render(value, time, Wall::now())
                   : fmt::format("{}  {}\n", local_time(time), text_of(value, "message")));
  if (invocation.arguments.has("evidence")) print(evidence_line(evidence_of(value.get_object())));
  if (for_people) print("\n");
}

Status fail(const Error& error) {
  complain(error.message);
  return error.code == EACCES || error.code == EPERM ? Status::not_permitted : Status::unreachable;
}

Result<void> seek(Journal& journal, const std::optional<Wall::time_point>& since, bool follow) {
  if (since) return journal.seek_since(*since);
  if (follow) return journal.seek_last(kRecentAlerts);
  return journal.seek_since(Wall::time_point{});
}

/// What --check calls a finding: something ran, or was kept from running, that the image does not ship; or may have.
bool is_finding(const json::object& alert) {
  const std::string kind = text_of(alert, "kind");
  return kind == "drift" || kind == "exposure";
}

/// To the journal's end; with `follow`, beyond it.
Status show_all(Journal& journal, const Invocation& invocation, bool follow) {
  AlertLayout layout(invocation.out);
  bool found = false;
  while (true) {
    auto entry = journal.next();
    if (!entry) return fail(entry.error());
    if (*entry) {
      auto alert = alert_object(**entry);
      if (is_wanted(alert, invocation)) {
        found = found || is_finding(alert);
        show((**entry).time, std::move(alert), invocation, layout);
      }
      continue;
    }
    if (!follow) return found && invocation.arguments.has("check") ? Status::finding : Status::fine;
    // Whoever follows through a pipe wants each line now; and nobody reads any more once the pipe is closed.
    if (std::fflush(stdout) != 0) return Status::fine;
    if (auto more = journal.wait(); !more) return fail(more.error());
  }
}

Status show_file(const std::string& path, const Invocation& invocation, const std::optional<Wall::time_point>& since) {
  AlertLayout layout(invocation.out);
  bool found = false;
  const auto read = read_alerts_file(path, [&](Wall::time_point time, json::object alert) {
    if ((since && time < *since) || !is_wanted(alert, invocation)) return;
    found = found || is_finding(alert);
    show(time, std::move(alert), invocation, layout);
  });
  if (!read) {
    complain(read.error().message);
    return Status::bad_input;
  }
  return (found || *read > 0) && invocation.arguments.has("check") ? Status::finding : Status::fine;
}

Status run_alerts(const Invocation& invocation) {
  std::optional<Wall::time_point> since;
  if (const auto text = invocation.arguments.value("since")) {
    const auto parsed = parse_since(*text, Wall::now());
    if (!parsed) {
      complain(parsed.error().message);
      return Status::bad_input;
    }
    since = *parsed;
  }
  const bool follow = invocation.arguments.has("follow");
  if (follow && (invocation.arguments.has("check") || invocation.arguments.value("alerts"))) {
    complain("--follow has no end: it goes neither with --check nor with --alerts");
    return Status::bad_input;
  }
  if (const auto file = invocation.arguments.value("alerts")) return show_file(*file, invocation, since);
  auto journal = Journal::open(invocation.arguments.value("journal"));
  if (!journal) {
    // A directory that somebody named and that is not there is their input.
    const bool wrong_directory = invocation.arguments.value("journal") && journal.error().code == ENOENT;
    const Status status = fail(journal.error());
    return wrong_directory ? Status::bad_input : status;
  }
  if (auto sought = seek(*journal, since, follow); !sought) return fail(sought.error());
  return show_all(*journal, invocation, follow);
}

}  // namespace

Command alerts_command() {
  return {.name = "alerts",
          .synopsis = "[--follow] [--since TIME] [--container CONTAINER]",
          .summary = "past and coming alerts, from the journal",
          .details =
              "Shows alerts from the system's journal, oldest first; the service need not run. TIME is a span "
              "before now (15m, 2h, 3d), `today`, `yesterday`, YYYY-MM-DD, or RFC 3339. CONTAINER is an id, "
              "the start of one, or a name. On a terminal a few lines an alert, in a pipe one; with --json, an object "
              "a line with the same names as the service's "
              "JSON alerts.",
          .options = {{"follow", 'f', "", "go on with alerts as they come"},
                      {"since", 0, "TIME", "only from this moment on"},
                      {"container", 0, "CONTAINER", "only of this container"},
                      {"evidence", 0, "", "only those with a kept copy, and where it is"},
                      {"journal", 0, "DIR", "read journal files below DIR instead"},
                      {"alerts", 0, "FILE", "read what the service wrote to file:FILE instead"},
                      {"check", 0, "", "exit status 1 if any is of drift or exposure"}},
          .words = {},
          .run = run_alerts};
}

}  // namespace holdfast::cli
