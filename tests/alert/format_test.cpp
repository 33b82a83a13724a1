#include "holdfast/alert/format.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include "holdfast/base/text.h"

#include "example.h"

using namespace holdfast;
using namespace holdfast::alert;

namespace {

std::map<std::string, std::string> journal(const Alert& alert) {
  std::map<std::string, std::string> fields;
  for (const auto& field : to_journal(alert)) CHECK_MESSAGE(fields.insert(field).second, field.first);
  return fields;
}

}  // namespace

TEST_CASE("a JSON line has the documented names and forms") {
  CHECK(
      to_json(example_alert()) ==
      R"({"time":"2026-11-22T20:14:13.000123Z","kind":"drift","verdict":"deny","reason":"added","mode":"prevent",)"
      R"("policy":"50-web.policy","container":{"id":"0123456789abcdef","name":"web-1","image":"nginx:1.27",)"
      R"("image_digest":"sha256:aa","runtime":"runc","namespace":"prod","pod":"web"},"file":{"path":"/tmp/x",)"
      R"("sha256":"e3b0","size":12,"mode":"0755","uid":0,"gid":33,"mtime":"2026-11-22T20:14:13.000123Z",)"
      R"("ctime":"1970-01-01T00:00:00.000000Z","layer":"upper"},"image_file":{"sha256":"aabb","size":7,"mode":"4755"},)"
      R"("process":{"pid":4121,"ppid":4000,"exe":"/bin/sh","cmdline":"sh -c \"echo \\\"hi there\\\"\" \"\"",)"
      R"("uid":1000,"gid":1001,"cwd":"/tmp","tty":"pts/0","started":"2026-11-22T20:14:10.000000Z"},)"
      R"("ancestors":[{"pid":1,"exe":"/init","cmdline":"/init"}],"repeats":0,)"
      R"("advice":{"meaning":"the image has no such file: it came into the container after it started",)"
      R"("check":"who wrote it and who executed it, and whether a deployment or a package manager does so here",)"
      R"("action":"nobody owns it: isolate the container, keep its root; it belongs there: ship it in the image"},)"
      R"j("message":"denied /tmp/x in web-1 (nginx:1.27): added, by sh (pid 4121)"})j");
}

TEST_CASE("unknown values are absent") {
  Alert alert;
  alert.kind = Kind::service;
  alert.message = "started";
  CHECK(to_json(alert) == R"({"time":"1970-01-01T00:00:00.000000Z","kind":"service","repeats":0,"message":"started"})");
  alert.container = ContainerInfo{};
  alert.file = FileInfo{};
  alert.process = ProcessInfo{};
  CHECK(boost::json::parse(to_json(alert)).as_object().size() == 4);
}

TEST_CASE("the journal has the same values under upper-case names") {
  Alert alert = example_alert();
  alert.rule = "plugins";
  alert.repeats = 3;
  const auto fields = journal(alert);
  const std::map<std::string, std::string> expected = {
      {"MESSAGE", "denied /tmp/x in web-1 (nginx:1.27): added, by sh (pid 4121), 3 attempts since the last alert"},
      {"PRIORITY", "4"},
      {"MESSAGE_ID", "b3f6b726b5af43d2ac10d0c695f5eb99"},
      {"SYSLOG_IDENTIFIER", "holdfastd"},
      {"HOLDFAST_KIND", "drift"},
      {"HOLDFAST_VERDICT", "deny"},
      {"HOLDFAST_REASON", "added"},
      {"HOLDFAST_MODE", "prevent"},
      {"HOLDFAST_POLICY", "50-web.policy"},
      {"HOLDFAST_RULE", "plugins"},
      {"HOLDFAST_CONTAINER_ID", "0123456789abcdef"},
      {"HOLDFAST_CONTAINER_NAME", "web-1"},
      {"HOLDFAST_CONTAINER_IMAGE", "nginx:1.27"},
      {"HOLDFAST_CONTAINER_IMAGE_DIGEST", "sha256:aa"},
      {"HOLDFAST_CONTAINER_RUNTIME", "runc"},
      {"HOLDFAST_CONTAINER_NAMESPACE", "prod"},
      {"HOLDFAST_CONTAINER_POD", "web"},
      {"HOLDFAST_FILE_PATH", "/tmp/x"},
      {"HOLDFAST_FILE_SHA256", "e3b0"},
      {"HOLDFAST_FILE_SIZE", "12"},
      {"HOLDFAST_FILE_MODE", "0755"},
      {"HOLDFAST_FILE_UID", "0"},
      {"HOLDFAST_FILE_GID", "33"},
      {"HOLDFAST_FILE_MTIME", "2026-11-22T20:14:13.000123Z"},
      {"HOLDFAST_FILE_CTIME", "1970-01-01T00:00:00.000000Z"},
      {"HOLDFAST_FILE_LAYER", "upper"},
      {"HOLDFAST_IMAGE_FILE_SHA256", "aabb"},
      {"HOLDFAST_IMAGE_FILE_SIZE", "7"},
      {"HOLDFAST_IMAGE_FILE_MODE", "4755"},
      {"HOLDFAST_PROCESS_PID", "4121"},
      {"HOLDFAST_PROCESS_PPID", "4000"},
      {"HOLDFAST_PROCESS_EXE", "/bin/sh"},
      {"HOLDFAST_PROCESS_CMDLINE", R"(sh -c "echo \"hi there\"" "")"},
      {"HOLDFAST_PROCESS_UID", "1000"},
      {"HOLDFAST_PROCESS_GID", "1001"},
      {"HOLDFAST_PROCESS_CWD", "/tmp"},
      {"HOLDFAST_PROCESS_TTY", "pts/0"},
      {"HOLDFAST_PROCESS_STARTED", "2026-11-22T20:14:10.000000Z"},
      {"HOLDFAST_ANCESTORS", R"([{"pid":1,"exe":"/init","cmdline":"/init"}])"},
      {"HOLDFAST_REPEATS", "3"},
      {"HOLDFAST_ADVICE_MEANING", "the image has no such file: it came into the container after it started"},
      {"HOLDFAST_ADVICE_CHECK",
       "who wrote it and who executed it, and whether a deployment or a package manager does so here"},
      {"HOLDFAST_ADVICE_ACTION",
       "nobody owns it: isolate the container, keep its root; it belongs there: ship it in the image"},
  };
  for (const auto& field : expected) CHECK_MESSAGE(std::ranges::count(fields, field) == 1, field.first);
  CHECK(fields.size() == expected.size());
  CHECK(to_journal(alert)[0].first == "MESSAGE");
}

TEST_CASE("each kind has its priority and its own message id") {
  std::set<std::string> ids;
  for (const auto& [kind, priority] : {std::pair(Kind::drift, "4"), std::pair(Kind::exposure, "3"),
                                       std::pair(Kind::override_, "5"), std::pair(Kind::service, "4")}) {
    Alert alert;
    alert.kind = kind;
    const auto fields = journal(alert);
    CHECK(fields.at("PRIORITY") == priority);
    CHECK(fields.at("MESSAGE_ID").size() == 32);
    ids.insert(fields.at("MESSAGE_ID"));
  }
  CHECK(ids.size() == 4);
  Alert unmediated = example_alert();
  unmediated.reason = "unmediated";
  CHECK(journal(unmediated).at("PRIORITY") == "3");
}

TEST_CASE("the message says what happened, in words") {
  Alert alert = example_alert();
  alert.verdict = "allow";
  CHECK(message(alert) == "detected /tmp/x in web-1 (nginx:1.27): added, by sh (pid 4121)");
  alert.verdict = "killed";
  alert.container->name.clear();
  CHECK(message(alert) == "killed /tmp/x in 0123456789ab (nginx:1.27): added, by sh (pid 4121)");
  alert.container.reset();
  alert.file->path.clear();
  alert.process->exe.clear();
  CHECK(message(alert) == "killed a file without a name in an unknown container: added, by pid 4121");
  alert.process.reset();
  CHECK(message(alert) == "killed a file without a name in an unknown container: added");
}

TEST_CASE("a file cannot be named so that it passes for the sentence around it") {
  Alert alert = example_alert();
  alert.file->path = "/tmp/x in web-1 (nginx): relocated, by sh\nx";
  CHECK(message(alert) ==
        "denied \"/tmp/x in web-1 (nginx): relocated, by sh\\x0ax\" in web-1 (nginx:1.27): added, by sh (pid 4121)");
}

TEST_CASE("the longest ancestry stays within what journal readers take") {
  Alert alert = example_alert();
  ProcessInfo ancestor;
  ancestor.pid = 4'194'304;
  ancestor.exe = std::string(5000, '\\');
  ancestor.cmdline = {ancestor.exe};
  alert.ancestors.assign(100, ancestor);
  CHECK(journal(alert).at("HOLDFAST_ANCESTORS").size() < 256UL * 1024);
}

TEST_CASE("whatever a container puts into names and arguments, lines are bounded, valid and one") {
  const std::string evil = "\n\x1b[2J\"\\\xff\xc3" + std::string(100'000, '\x01');
  Alert alert = example_alert();
  alert.container = ContainerInfo{evil, evil, evil, evil, evil, evil, evil};
  alert.file->path = evil;
  alert.process->exe = evil;
  alert.process->cmdline.assign(100, evil);
  alert.process->cwd = evil;
  alert.process->tty = evil;
  ProcessInfo ancestor = *alert.process;
  ancestor.cmdline.resize(2);
  alert.ancestors.assign(100, ancestor);
  const std::string json = to_json(alert);
  CHECK(json.size() < 600'000);
  CHECK(json.find('\n') == std::string::npos);
  const auto object = boost::json::parse(json).as_object();  // throws if it is not JSON in valid UTF-8
  CHECK(object.at("ancestors").as_array().size() == 32);
  CHECK(object.at("file").at("path").as_string().size() <= 4096);
  CHECK(object.at("process").at("cmdline").as_string().size() <= 4096);
  const std::string path(object.at("file").at("path").as_string());
  CHECK(path.starts_with(R"(\x0a\x1b[2J"\\\xff\xc3\x01)"));
  CHECK(message(alert).size() < 3000);
  for (const auto& field : to_journal(alert)) {
    CHECK_MESSAGE(field.second.find('\n') == std::string::npos, field.first);
    CHECK_MESSAGE(field.second.find('\x1b') == std::string::npos, field.first);
  }
}
