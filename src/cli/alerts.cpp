#include <cerrno>
#include <cstdio>

#include <fmt/format.h>

#include "holdfast/cli/journal.h"
#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/time_spec.h"

#include "commands.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

/// What `--follow` shows of the past if no time is asked for.
constexpr std::uint64_t kRecentAlerts = 10;

Colour colour_of(const json::value& alert) {
  const std::string verdict = text_of(alert, "verdict");
  if (verdict == "deny" || verdict == "killed") return Colour::red;
  const std::string kind = text_of(alert, "kind");
  return kind == "exposure" || kind == "drift" ? Colour::yellow : Colour::none;
}

void show(const JournalEntry& entry, json::object alert, const Invocation& invocation) {
  if (invocation.json) {
    print_json(std::move(alert));
    return;
  }
  const json::value value(std::move(alert));
  print(fmt::format("{}  {}\n", paint(local_time(entry.time), Colour::dim, invocation.out),
                    paint(text_of(value, "message"), colour_of(value), invocation.out)));
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

/// To the journal's end; with `follow`, beyond it.
Status show_all(Journal& journal, const Invocation& invocation, bool follow,
                const std::optional<std::string>& container) {
  while (true) {
    auto entry = journal.next();
    if (!entry) return fail(entry.error());
    if (*entry) {
      auto alert = alert_object(**entry);
      if (!container || is_about(alert, *container)) show(**entry, std::move(alert), invocation);
      continue;
    }
    if (!follow) return Status::fine;
    // Whoever follows through a pipe wants each line now; and nobody reads any more once the pipe is closed.
    if (std::fflush(stdout) != 0) return Status::fine;
    if (auto more = journal.wait(); !more) return fail(more.error());
  }
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
  auto journal = Journal::open(invocation.arguments.value("journal"));
  if (!journal) {
    // A directory that somebody named and that is not there is their input.
    const bool wrong_directory = invocation.arguments.value("journal") && journal.error().code == ENOENT;
    const Status status = fail(journal.error());
    return wrong_directory ? Status::bad_input : status;
  }
  const bool follow = invocation.arguments.has("follow");
  if (auto sought = seek(*journal, since, follow); !sought) return fail(sought.error());
  return show_all(*journal, invocation, follow, invocation.arguments.value("container"));
}

}  // namespace

Command alerts_command() {
  return {.name = "alerts",
          .synopsis = "[--follow] [--since TIME] [--container CONTAINER]",
          .summary = "past and coming alerts, from the journal",
          .details =
              "Shows alerts from the system's journal, oldest first; the service need not run. TIME is a span "
              "before now (15m, 2h, 3d), `today`, `yesterday`, YYYY-MM-DD, or RFC 3339. CONTAINER is an id, "
              "the start of one, or a name. With --json, an object a line with the same names as the service's "
              "JSON alerts.",
          .options = {{"follow", 'f', "", "go on with alerts as they come"},
                      {"since", 0, "TIME", "only from this moment on"},
                      {"container", 0, "CONTAINER", "only of this container"},
                      {"journal", 0, "DIR", "read journal files below DIR instead"}},
          .words = {},
          .run = run_alerts};
}

}  // namespace holdfast::cli
