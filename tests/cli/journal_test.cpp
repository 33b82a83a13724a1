#include "holdfast/cli/journal.h"

#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "holdfast/alert/format.h"

using namespace holdfast;
using namespace holdfast::cli;
namespace json = boost::json;

namespace {

alert::Alert example() {
  alert::Alert alert;
  alert.time = Wall::time_point(std::chrono::seconds(1'795'378'453));
  alert.verdict = "deny";
  alert.reason = "added";
  alert.mode = "prevent";
  alert.policy = "50-web.policy";
  alert.container.emplace();
  alert.container->id = "0123456789abcdef";
  alert.container->name = "web-1";
  alert.container->image = "nginx:1.27";
  alert.container->image_digest = "sha256:00";
  alert.file.emplace();
  alert.file->path = "/tmp/a\\b\n\xff";
  alert.file->size = 42;
  alert.file->uid = 0;
  alert.file->layer = "upper";
  alert.image_file.emplace();
  alert.image_file->size = 7;
  alert.process.emplace();
  alert.process->pid = 4121;
  alert.process->exe = "/bin/sh";
  alert.process->cmdline = {"sh", "-c", "/tmp/x"};
  alert.ancestors.resize(1);
  alert.ancestors[0].pid = 1;
  alert.ancestors[0].exe = "/sbin/init";
  alert.repeats = 3;
  return alert;
}

JournalEntry entry_of(const alert::Alert& alert) { return {alert.time, alert::to_journal(alert)}; }

}  // namespace

TEST_CASE("an alert read from the journal is the JSON object that the service writes elsewhere") {
  const auto alert = example();
  json::value written = json::parse(alert::to_json(alert));
  CHECK(json::value(alert_object(entry_of(alert))) == written);
}

TEST_CASE("alerts are found by a container's id, the start of it, or its name") {
  const auto alert = alert_object(entry_of(example()));
  CHECK(is_about(alert, "0123456789abcdef"));
  CHECK(is_about(alert, "0123"));
  CHECK(is_about(alert, "web-1"));
  CHECK_FALSE(is_about(alert, "web"));
  CHECK_FALSE(is_about(alert, "123"));
  CHECK_FALSE(is_about(alert, ""));
  CHECK_FALSE(is_about(json::object{}, "web-1"));
}

TEST_CASE("a forged or broken entry neither breaks a terminal nor the JSON") {
  const JournalEntry entry{{},
                           {{"MESSAGE", "\x1b[2J\xff"},
                            {"HOLDFAST_KIND", "drift"},
                            {"HOLDFAST_ANCESTORS", std::string(5000, '[')},
                            {"HOLDFAST_PROCESS_PID", "12x"},
                            {"HOLDFAST_CONTAINER", "no object"},
                            {"HOLDFAST_CONTAINER_ID", "abc"},
                            {"HOLDFAST_FILE_", "x"},
                            {"HOLDFAST_", "x"}}};
  const auto alert = alert_object(entry);
  CHECK(alert.at("message").as_string() == "\\x1b[2J\\xff");
  CHECK(alert.at("process").at("pid").as_string() == "12x");
  CHECK(alert.at("container").at("id").as_string() == "abc");
  CHECK_FALSE(json::serialize(alert).empty());
}
