// The real program against a service of the test's own, for what scripts rely on: exit statuses, JSON, usage.

#include "program.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "holdfast/control/server.h"

#include "../control/temp_directory.h"

using namespace holdfast;
using namespace holdfast::control;
namespace json = boost::json;

namespace {

/// A service that says what the test tells it to.
class FakeService {
 public:
  FakeService() : server_({.socket = socket_}) {}

  void answer(const std::string& command, Answer answer) {
    server_.add(command, Pace::quick, [answer = std::move(answer)](const Request&, Stream&) { return answer; });
  }
  void handle(const std::string& command, Handler handler) { server_.add(command, Pace::slow, std::move(handler)); }
  void start() { REQUIRE(server_.start().ok()); }

  [[nodiscard]] Outcome run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--socket", socket_});
    return run_holdfast(arguments);
  }
  [[nodiscard]] const std::string& socket() const { return socket_; }

 private:
  TempDirectory directory_;
  const std::string socket_ = directory_ / "control.sock";
  Server server_;
};

json::value status_with(json::array exposures) {
  return json::object{
      {"version", "0.1.0"},
      {"uptime_seconds", 75},
      {"containers", json::object{{"all", 2}, {"prevent", 1}, {"detect", 1}, {"off", 0}}},
      {"verdicts", json::object{{"added", json::object{{"denied", 3}, {"alerted", 0}, {"allowed", 0}}},
                                {"loader", json::object{{"denied", 0}, {"alerted", 0}, {"allowed", 0}}}}},
      {"exposures", std::move(exposures)}};
}

json::value decision(const char* verdict, const char* reason) {
  return json::object{{"container", json::object{{"name", "web-1"}, {"image", "nginx"}}},
                      {"path", "/tmp/x"},
                      {"mode", "prevent"},
                      {"policy", "50-web.policy"},
                      {"steps", json::array{"the image has no file at that path"}},
                      {"file", json::object{{"path", "/tmp/x"}, {"size", 10}, {"mode", "0755"}, {"sha256", "ab"}}},
                      {"image_file", nullptr},
                      {"decision", json::object{{"verdict", verdict}, {"reason", reason}}}};
}

bool is_one_json_document(const std::string& text) {
  boost::system::error_code failure;
  (void)json::parse(text, failure);
  return !failure && std::count(text.begin(), text.end(), '\n') == 1;
}

void write(const std::string& file, const std::string& text) { std::ofstream(file) << text; }

}  // namespace

TEST_CASE("help and version need no service") {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--help"},
                                             {"-h"},
                                             {"help"},
                                             {"status", "--help"},
                                             {"help", "status"},
                                             {"baseline", "--help"},
                                             {"baseline", "show", "--help"},
                                             {"explain", "--nonsense", "--help"}}) {
    CAPTURE(arguments.front());
    const auto got = run_holdfast(arguments);
    CHECK(got.status == 0);
    CHECK(got.out.starts_with("Usage: holdfast"));
    CHECK(got.err.empty());
  }
  CHECK(run_holdfast({"--version"}).out.starts_with("holdfast "));
  CHECK(run_holdfast({"status", "--version"}).status == 0);
}

TEST_CASE("wrong usage ends with status 2 and a hint on standard error") {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {"statsu"},
                                             {"mode", "web", "off"},
                                             {"baseline"},
                                             {"baseline", "export"},
                                             {"baseline", "show"},
                                             {"policy", "replay"},
                                             {"policy", "check"},
                                             {"alerts", "--kept"},
                                             {"alerts", "--since", "soon"},
                                             {"explain", "web"},
                                             {"explain", "a", "b", "c"},
                                             {"status", "--bogus"},
                                             {"--bogus"},
                                             {"--socket"},
                                             {"baseline", "rebuild"},
                                             {"baseline", "rebuild", "x", "--all"},
                                             {"baseline", "prune", "--unused-for", "x"}}) {
    std::string typed;
    for (const auto& word : arguments) typed += word + ' ';
    CAPTURE(typed);
    const auto got = run_holdfast(arguments);
    CHECK(got.status == 2);
    CHECK(got.out.empty());
    CHECK(got.err.starts_with("holdfast: "));
    CHECK(std::count(got.err.begin(), got.err.end(), '\n') == 1);
  }
  CHECK(run_holdfast({"statsu"}).err.find("'status'") != std::string::npos);
}

TEST_CASE("no service is status 3, in one line") {
  const auto got = run_holdfast({"status", "--socket", "/nonexistent/control.sock"});
  CHECK(got.status == 3);
  CHECK(got.out.empty());
  CHECK(got.err.find("is holdfastd running?") != std::string::npos);
  CHECK(run_holdfast({"--socket=/nonexistent/control.sock", "containers"}).status == 3);
}

TEST_CASE("a service that refuses is status 4, and its sentence is shown") {
  FakeService service;
  service.answer("containers", Failure{Status::not_permitted, "only root may give commands to holdfastd"});
  service.start();
  const auto got = service.run({"containers"});
  CHECK(got.status == 4);
  CHECK(got.err == "holdfast: only root may give commands to holdfastd\n");
}

TEST_CASE("status is a finding while there is an exposure, for people and for scripts") {
  FakeService fine;
  fine.answer("status", status_with({}));
  fine.start();
  CHECK(fine.run({"status"}).status == 0);
  const auto script = fine.run({"--json", "status"});
  CHECK(script.status == 0);
  CHECK(is_one_json_document(script.out));

  FakeService exposed;
  exposed.answer("status", status_with({json::object{{"container", json::object{{"name", "web-1"}}},
                                                     {"from", "2026-11-22T20:14:13Z"},
                                                     {"why", "it ran before the service"}}}));
  exposed.start();
  const auto got = exposed.run({"status"});
  CHECK(got.status == 1);
  CHECK(got.out.find("it ran before the service") != std::string::npos);
  CHECK(got.out.find("added") != std::string::npos);
  CHECK(got.out.find("loader") == std::string::npos);
  CHECK(got.out.find('\x1b') == std::string::npos);
  CHECK(exposed.run({"status", "--json"}).status == 1);
}

TEST_CASE("explain is a finding if the file would be denied or reported") {
  for (const auto& [verdict, expected] :
       std::vector<std::pair<const char*, int>>{{"allow", 0}, {"alert", 1}, {"deny", 1}}) {
    FakeService service;
    service.answer("explain", decision(verdict, "added"));
    service.start();
    const auto got = service.run({"explain", "web-1", "/tmp/x"});
    CHECK(got.status == expected);
    CHECK(got.out.find("  1. the image has no file at that path") != std::string::npos);
    CHECK(is_one_json_document(service.run({"explain", "web-1", "/tmp/x", "--json"}).out));
  }
}

TEST_CASE("arguments reach the service as they were typed, whatever their bytes") {
  FakeService service;
  service.handle("explain", [](const Request& request, Stream&) -> Answer {
    const auto path = request.required_text("path");
    if (!path || *path != "/tmp/\xff\\ \n") return Failure{Status::bad_input, "not what was typed"};
    return decision("allow", "");
  });
  service.start();
  CHECK(service.run({"explain", "web", "/tmp/\xff\\ \n"}).status == 0);
}

TEST_CASE("verify prints each difference, is a finding, and is an object a line in JSON") {
  FakeService service;
  service.handle("baseline.verify", [](const Request&, Stream& stream) -> Answer {
    stream.progress(json::object{{"image", "0123456789abcdef"}, {"done", 1}, {"all", 2}});
    stream.item(json::object{{"image", "0123456789abcdef"},
                             {"what", "changed"},
                             {"path", "/bin/sh"},
                             {"before", std::string(64, 'a')},
                             {"after", std::string(64, 'b')}});
    return json::object{{"images", 1}, {"differences", 1}, {"failures", 0}};
  });
  service.answer("baseline.rebuild", json::object{{"images", 1}, {"differences", 0}, {"failures", 0}});
  service.start();
  const auto got = service.run({"baseline", "verify"});
  CHECK(got.status == 1);
  CHECK(got.out.find("/bin/sh  (aaaaaaaaaaaa -> bbbbbbbbbbbb)") != std::string::npos);
  CHECK(got.out.find("1 difference\n") != std::string::npos);
  CHECK(got.err.empty());  // no progress bar in a pipe
  const auto script = service.run({"baseline", "verify", "--json"});
  CHECK(script.status == 1);
  CHECK(std::count(script.out.begin(), script.out.end(), '\n') == 2);
  CHECK(service.run({"baseline", "rebuild", "--all"}).status == 0);
}

TEST_CASE("mode sends what was typed, and a mistake in it needs no service to be found") {
  FakeService service;
  service.handle("mode.set", [](const Request& request, Stream& stream) -> Answer {
    if (*request.required_text("mode") != "off" || *request.number("seconds") != 5400 ||
        *request.required_text("reason") != "ticket \xff") {
      return Failure{Status::bad_input, "not what was typed"};
    }
    if (stream.peer().pid <= 0 || stream.peer().uid != ::geteuid()) return Failure{Status::bad_input, "no peer"};
    return json::object{
        {"container", json::object{{"name", "web-1"}, {"image", "nginx"}}},
        {"override", json::object{{"mode", "off"}, {"until", "2026-11-22T20:14:13Z"}, {"seconds_left", 5400}}},
        {"policy_mode", "prevent"}};
  });
  service.answer("mode.end", json::object{{"container", json::object{{"name", "web-1"}}},
                                          {"override", json::object{{"mode", "off"}}}});
  service.start();
  const auto got = service.run({"mode", "web-1", "off", "--for", "1h30m", "--reason", "ticket \xff"});
  CHECK(got.err.empty());
  CHECK(got.status == 0);
  CHECK(got.out.starts_with("web-1 (nginx): mode off until "));
  CHECK(got.out.ends_with("(1h 30m), then its policy's again: prevent.\n"));
  CHECK(service.run({"mode", "web-1", "--end", "--reason", "done"}).out == "web-1: the override to off has ended.\n");
  CHECK(is_one_json_document(service.run({"mode", "web-1", "--end", "--json"}).out));

  const std::vector<std::string> off{"mode", "web-1", "off"};
  for (const std::vector<std::string>& more :
       std::vector<std::vector<std::string>>{{"--for", "soon", "--reason", "x"},
                                             {"--for", "0s", "--reason", "x"},
                                             {"--for", "8d", "--reason", "x"},
                                             {"--for", "-5m", "--reason", "x"},
                                             {"--for", "99999999999999999999h", "--reason", "x"},
                                             {"--for", "15m"},
                                             {"--for", "15m", "--reason", " "},
                                             {"--reason", "x"},
                                             {"--end"}}) {
    auto wrong = off;
    wrong.insert(wrong.end(), more.begin(), more.end());
    CAPTURE(more.back());
    const auto refused = run_holdfast(wrong);
    CHECK(refused.status == 2);
    CHECK(refused.out.empty());
    CHECK(std::count(refused.err.begin(), refused.err.end(), '\n') == 1);
  }
  CHECK(run_holdfast({"mode", "web-1", "sometimes", "--for", "15m", "--reason", "x"}).status == 2);
  CHECK(run_holdfast({"mode", "web-1", "--for", "15m", "--reason", "x"}).status == 2);
  CHECK(run_holdfast({"mode", "web-1", "--end", "--for", "15m"}).status == 2);
}

TEST_CASE("hostile names neither move the cursor nor break lines") {
  FakeService service;
  service.answer(
      "containers",
      json::object{{"containers", json::array{json::object{{"id", "\x1b[2J"}, {"name", "a\nb"}, {"image", "\\x41"}}}}});
  service.start();
  const auto got = service.run({"containers"});
  CHECK(got.status == 0);
  CHECK(got.out.find('\x1b') == std::string::npos);
  CHECK(got.out.find("a\\x0ab") != std::string::npos);
  CHECK(std::count(got.out.begin(), got.out.end(), '\n') == 2);
}

TEST_CASE("metrics are passed on as they are") {
  FakeService service;
  service.answer("metrics",
                 json::object{{"text", "# TYPE x gauge\nx{a=\"b\\\\c\"} 1\n# EOF\n"}, {"families", json::array{}}});
  service.start();
  CHECK(service.run({"metrics"}).out == "# TYPE x gauge\nx{a=\"b\\\\c\"} 1\n# EOF\n");
  CHECK(is_one_json_document(service.run({"metrics", "--json"}).out));
}

TEST_CASE("an answer of another shape is shown as far as it goes, without a crash") {
  FakeService service;
  for (const char* command : {"status", "containers", "explain", "baseline.list", "baseline.show", "baseline.verify",
                              "baseline.prune", "policy.list", "policy.show", "policy.reload", "metrics"}) {
    service.answer(command, json::array{1, "x", nullptr});
  }
  service.start();
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{{"status"},
                                                                                         {"containers"},
                                                                                         {"explain", "a", "/b"},
                                                                                         {"baseline", "list"},
                                                                                         {"baseline", "show", "a"},
                                                                                         {"baseline", "verify"},
                                                                                         {"baseline", "prune"},
                                                                                         {"policy", "list"},
                                                                                         {"policy", "show", "a"},
                                                                                         {"policy", "reload"},
                                                                                         {"metrics"}}) {
    CAPTURE(arguments.back());
    CHECK(service.run(arguments).status >= 0);
  }
}

TEST_CASE("policy check finds mistakes without a service") {
  const TempDirectory directory;
  write(directory / "good.policy", "[Match]\nImage=*/nginx:*\n[Drift]\nMode=prevent\n");
  write(directory / "bad.policy", "[Drift]\nMode=sometimes\n");
  write(directory / "good.conf", "[Gate]\nDeadline=500ms\n");
  CHECK(run_holdfast({"policy", "check", directory / "good.policy", directory / "good.conf"}).status == 0);
  const auto bad = run_holdfast({"policy", "check", directory / "good.policy", directory / "bad.policy"});
  CHECK(bad.status == 2);
  CHECK(bad.err.find("bad.policy:2") != std::string::npos);
  CHECK(bad.out.find("good.policy: ok") != std::string::npos);
  const auto script =
      run_holdfast({"policy", "check", "--json", directory / "bad.policy", directory / "absent.policy"});
  CHECK(script.status == 2);
  CHECK(is_one_json_document(script.out));
}

TEST_CASE("policy check warns of exceptions that have expired, which are no mistake") {
  const TempDirectory directory;
  write(directory / "old.policy", "[Allow old]\nPath=/x\nUntil=2001-01-01\n[Allow valid]\nPath=/y\nUntil=2999-01-01\n");
  const auto got = run_holdfast({"policy", "check", directory / "old.policy"});
  CHECK(got.status == 0);
  CHECK(got.err.find("[Allow old] expired on 2001-01-01T00:00:00") != std::string::npos);
  CHECK(got.err.find("valid") == std::string::npos);
  CHECK(run_holdfast({"policy", "check", "--json", directory / "old.policy"}).out.find("\"warnings\":[\"") !=
        std::string::npos);
}

TEST_CASE("policy show says of unused and expired rules that they are") {
  FakeService service;
  service.answer("policy.show", json::parse(R"({"policy": {"name": "x.policy", "rules": [
        {"kind": "allow", "name": "idle", "paths": ["/x"], "parents": ["/bin/updater"], "images": ["tools:*"], "used": 0,
         "unused_since": "2026-11-01T10:00:00Z"},
        {"kind": "allow", "name": "busy", "paths": ["/y"], "used": 7, "until": "2001-01-01T00:00:00Z", "expired": true}]}})"));
  service.start();
  const auto got = service.run({"policy", "show", "web"});
  CHECK(got.status == 0);
  CHECK(got.out.find("never since 2026-11-01") != std::string::npos);
  CHECK(got.out.find("/x, executed by /bin/updater, from image tools:*") != std::string::npos);
  CHECK(got.out.find("expired on 200") != std::string::npos);
}

TEST_CASE("policy show says which policy a container misses because its labels cannot be read") {
  FakeService service;
  service.answer("policy.show", json::parse(R"({"policy": {"name": "default"}, "labels_known": false,
                                                "missed_for_labels": "50-label.policy"})"));
  service.start();
  const auto got = service.run({"policy", "show", "web"});
  CHECK(got.status == 0);
  CHECK(got.out.find("Labels      cannot be read: 50-label.policy, which asks for a label, does not fit") !=
        std::string::npos);
}

TEST_CASE("output that cannot be written is not taken for success") {
  FakeService service;
  service.answer("containers", json::object{{"containers", json::array{}}});
  service.start();
  const std::string command =
      std::string(HOLDFAST_BINARY) + " containers --socket " + service.socket() + " >/dev/full 2>&1";
  const int status = std::system(command.c_str());
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 2);
}

TEST_CASE("an empty journal directory has no alerts, an absent one is wrong input") {
  const TempDirectory directory;
  const auto empty = run_holdfast({"alerts", "--journal", directory.path()});
  CHECK(empty.status == 0);
  CHECK(empty.out.empty());
  CHECK(run_holdfast({"alerts", "--journal", directory / "absent"}).status == 2);
}
