#include "../../src/alert/origin.h"

#include <doctest/doctest.h>

#include "holdfast/alert/format.h"

#include "example.h"

using namespace holdfast;
using namespace holdfast::alert;
using namespace std::chrono_literals;

namespace {

const Wall::time_point kNow(std::chrono::seconds(1795378453));

WriterInfo writer(const char* exe, Hand how = Hand::wrote) {
  WriterInfo info;
  info.pid = 4121;
  info.exe = exe;
  info.time = kNow - 3s;
  info.how = how;
  return info;
}

ProcessInfo process(pid_t pid, const char* exe) {
  ProcessInfo info;
  info.pid = pid;
  info.exe = exe;
  return info;
}

}  // namespace

TEST_CASE("where a file came from is told by what its writer's program does") {
  CHECK(origin(writer("/usr/bin/curl"), kNow) == "downloaded by curl (pid 4121) 3s before");
  CHECK(origin(writer("/usr/sbin/nginx"), kNow) == "written by nginx (pid 4121) 3s before");
  CHECK(origin(writer("/usr/bin/chmod", Hand::made_executable), kNow) ==
        "made executable by chmod (pid 4121) 3s before");
  CHECK(origin(writer("/usr/bin/mv", Hand::renamed), kNow) == "renamed by mv (pid 4121) 3s before");
  CHECK(origin(writer("/usr/bin/ln", Hand::linked), kNow) == "linked by ln (pid 4121) 3s before");
  CHECK(origin(writer(""), kNow) == "written by pid 4121 3s before");
}

TEST_CASE("the package manager is named, not the helper that wrote for it") {
  auto info = writer("/usr/bin/dpkg");
  info.package_manager = "apt";
  info.package_manager_pid = 71;
  CHECK(origin(info, kNow + 9s) == "installed by apt (pid 71) 12s before");
}

TEST_CASE("whoever has only the name of a package manager installs nothing") {
  CHECK(origin(writer("/tmp/apt"), kNow) == "written by apt (pid 4121) 3s before");
}

TEST_CASE("the compiler that was called is named, not its linker") {
  auto info = writer("/usr/bin/x86_64-linux-gnu-ld.bfd");
  info.ancestors = {process(12, "/usr/libexec/gcc/x86_64-linux-gnu/12/collect2"),
                    process(11, "/usr/bin/x86_64-linux-gnu-gcc-12"), process(10, "/bin/sh")};
  CHECK(origin(info, kNow) == "compiled by x86_64-linux-gnu-gcc-12 (pid 11) 3s before");
}

TEST_CASE("times are told as people tell them") {
  const auto age = [](Wall::duration since) {
    auto info = writer("/x");
    info.time = kNow - since;
    const auto text = origin(info, kNow);
    return text.substr(text.find(") ") + 2);
  };
  CHECK(age(0s) == "just before");
  CHECK(age(-5s) == "just before");
  CHECK(age(119s) == "119s before");
  CHECK(age(120s) == "2min before");
  CHECK(age(2h) == "2h before");
  CHECK(age(48h) == "2 days before");
}

TEST_CASE("a writer's name is quoted and bounded") {
  CHECK(origin(writer("/tmp/x by apt (pid 1)\n"), kNow) == "written by \"x by apt (pid 1)\\x0a\" (pid 4121) 3s before");
  CHECK(origin(writer(std::string(5000, 'a').c_str()), kNow).size() < 400);
}

TEST_CASE("a drift's sentence names the origin before who tried") {
  auto alert = example_alert();
  alert.writer = writer("/usr/bin/curl");
  alert.writer->time = alert.time - 3s;
  CHECK(message(alert) ==
        "denied /tmp/x in web-1 (nginx:1.27): added, downloaded by curl (pid 4121) 3s before, tried by sh (pid 4121)");
  alert.made_executable = writer("/usr/bin/chmod", Hand::made_executable);
  alert.made_executable->time = alert.time - 1s;
  alert.verdict = "allow";
  CHECK(
      message(alert) ==
      "detected /tmp/x in web-1 (nginx:1.27): added, downloaded by curl (pid 4121) 3s before, made executable by chmod "
      "(pid 4121) 1s before, run by sh (pid 4121)");
}

TEST_CASE("the writer is an object of its own, unknown parts absent") {
  auto alert = example_alert();
  alert.writer = writer("/usr/bin/curl");
  alert.writer->cmdline = {"curl", "-o", "/tmp/x"};
  alert.writer->uid = 0;
  alert.writer->ancestors = {process(1, "/init")};
  const auto json = to_json(alert);
  CHECK(json.find(R"("writer":{"pid":4121,"exe":"/usr/bin/curl","cmdline":"curl -o /tmp/x","uid":0,)"
                  R"("time":"2026-11-22T20:14:10.000000Z","how":"wrote","ancestors":[{"pid":1,"exe":"/init"}]})") !=
        std::string::npos);
  CHECK(json.find("package_manager") == std::string::npos);
  bool pid = false;
  for (const auto& [name, value] : to_journal(alert)) pid = pid || (name == "HOLDFAST_WRITER_PID" && value == "4121");
  CHECK(pid);
}
