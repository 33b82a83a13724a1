#include "holdfast/policy/settings.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::policy;
using namespace std::chrono_literals;

namespace {

std::string settings_refusal(const std::string& text) {
  const auto settings = parse_settings(text, "holdfast.conf");
  return settings.ok() ? "accepted" : settings.error().message;
}

}  // namespace

TEST_CASE("an empty configuration has the documented defaults") {
  const auto settings = parse_settings("", "holdfast.conf");
  REQUIRE(settings.ok());
  CHECK(settings->state_directory == "/var/lib/holdfast");
  CHECK(settings->runtime_directory == "/run/holdfast");
  CHECK(settings->policy_directory == "/etc/holdfast/policy.d");
  CHECK(settings->runtimes.empty());
  CHECK(settings->alerts == std::vector<std::string>{"journald"});
  CHECK(settings->deadline == 500ms);
  CHECK(settings->on_deadline == Verdict::allow);
  CHECK(settings->hash_threads == 0);
  CHECK(settings->drift.mode == Mode::detect);
}

TEST_CASE("a complete configuration is read as it says") {
  const auto settings = parse_settings(
      "[Service]\nStateDirectory=/srv/holdfast/\nRuntimeDirectory=/run/h\nPolicyDirectory=/srv/p\nRuntime=/usr/bin/"
      "runc\n"
      "Runtime=/usr/bin/crun\nAlert=stderr\nAlert=file:/var/log/holdfast.json\nKernelAudit=no\n"
      "[Gate]\nDeadline=2s\nOnDeadline=deny\nOnAbsence=hold\nHashThreads=4\n"
      "[Drift]\nMode=prevent\nRelocated=deny\nVolume=allow\nFileless=alert\nLoader=alert\nLibrary=deny\n"
      "Action=kill\n",
      "holdfast.conf");
  REQUIRE_MESSAGE(settings.ok(), settings.error().message);
  CHECK(settings->state_directory == "/srv/holdfast");
  CHECK(settings->runtime_directory == "/run/h");
  CHECK(settings->policy_directory == "/srv/p");
  CHECK(settings->runtimes == std::vector<std::string>{"/usr/bin/runc", "/usr/bin/crun"});
  CHECK(settings->alerts == std::vector<std::string>{"stderr", "file:/var/log/holdfast.json"});
  CHECK(settings->deadline == 2s);
  CHECK(settings->on_deadline == Verdict::deny);
  CHECK(settings->hold_on_absence);
  CHECK(settings->hash_threads == 4);
  CHECK(settings->drift.mode == Mode::prevent);
  CHECK(settings->drift.verdict_for(Reason::relocated) == Verdict::deny);
  CHECK(settings->drift.verdict_for_volume(true) == Verdict::allow);
  CHECK(settings->drift.verdict_for(Reason::fileless) == Verdict::alert);
  CHECK(settings->drift.verdict_for(Reason::loader) == Verdict::alert);
  CHECK(settings->drift.verdict_for(Reason::library) == Verdict::deny);
  CHECK(settings->drift.action == Drift::Action::kill);
}

TEST_CASE("mistakes in the configuration are refused with file, line and key") {
  struct Row {
    std::string text, says;
  };
  for (const Row& row : std::vector<Row>{
           {"[Gate]\nDeadline=500\n", "holdfast.conf:2: [Gate] Deadline: \"500\" is not a deadline"},
           {"[Gate]\nDeadline=0ms\n", "is not a deadline"},
           {"[Gate]\nDeadline=61s\n", "is not a deadline"},
           {"[Gate]\nDeadline=99999999999999999999s\n", "is not a deadline"},
           {"[Gate]\nDeadline=-1s\n", "is not a deadline"},
           {"[Gate]\nOnDeadline=alert\n", "allow or deny would be right"},
           {"[Gate]\nOnAbsence=deny\n", "allow or hold would be right"},
           {"[Gate]\nHashThreads=many\n", "is not a number of threads"},
           {"[Gate]\nHashThreads=1K\n", "is not a number of threads"},
           {"[Gate]\nHashThreads=257\n", "is not a number of threads"},
           {"[Service]\nStateDirectory=var\n", "is not absolute"},
           {"[Service]\nRuntime=runc\n", "is not absolute"},
           {"[Service]\nAlert=syslog\n", "journald, stderr or file:/path would be right"},
           {"[Service]\nAlert=file:relative\n", "is not absolute"},
           {"[Service]\nAlert=stderr\nAlert=stderr\n", "is there twice"},
           {"[Service]\nKernelAudit=maybe\n", "is not a switch"},
           {"[Service]\nColor=red\n", "unknown key"},
           {"[Match]\n", "unknown section; [Service], [Gate] or [Drift] would be right"},
           {"[Gate]\n[Gate]\n", "holdfast.conf:2: [Gate]: the section is there twice"},
           {"[Drift]\nAdded=deny\n", "deny never applies in detect mode"},
           {"[Drift]\nAction=kill\n", "holdfast.conf:2: [Drift] Action: kill never applies in detect mode"},
           {"[Volume data]\nPath=/data\nVerdict=alert\n", "unknown section"},
       }) {
    CHECK_MESSAGE(settings_refusal(row.text).find(row.says) != std::string::npos, settings_refusal(row.text)
                                                                                      << "\nlacks " << row.says);
  }
}

TEST_CASE("settings that this version does not do are refused by name") {
  CHECK(settings_refusal("[Service]\nKernelAudit=yes\n").find("not supported by this version") != std::string::npos);
}
