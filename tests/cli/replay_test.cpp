// `policy replay` and `policy suggest` on files: what is printed, and the exit status.

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "../base/has.h"
#include "../control/temp_directory.h"
#include "program.h"

using namespace holdfast;
using test::has;
namespace json = boost::json;

namespace {

const std::string kHash(64, 'a');

json::object drift(const std::string& path, const std::string& hash = kHash, const char* container = "web-1") {
  return {{"time", "2026-11-24T22:01:02.000003Z"},
          {"kind", "drift"},
          {"verdict", "deny"},
          {"reason", "added"},
          {"mode", "prevent"},
          {"policy", "50-web.policy"},
          {"container", json::object{{"id", std::string("id-of-") + container}, {"name", container}}},
          {"file", json::object{{"path", path}, {"sha256", hash}, {"layer", "upper"}}},
          {"repeats", 0}};
}

struct Files {
  Files() {
    policy("[Drift]\nMode=prevent\n[Allow x]\nPath=/tmp/x\n[Allow never]\nPath=/never\n");
    lines({drift("/tmp/x"), drift("/tmp/y"), drift("/tmp/x")});
  }
  void policy(const std::string& text, const std::string& name = "50-web.policy") const {
    std::ofstream(directory / name) << text;
  }
  void lines(const std::vector<json::object>& all) const {
    std::ofstream file(alerts);
    for (const auto& one : all) file << json::serialize(one) << '\n';
  }
  void text(const std::string& bytes) const { std::ofstream(alerts) << bytes; }
  [[nodiscard]] Outcome replay(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"policy", "replay", "--alerts", alerts, directory / "50-web.policy"};
    words.insert(words.end(), more.begin(), more.end());
    return run_holdfast(words);
  }
  const TempDirectory directory;
  const std::string alerts = directory / "alerts.jsonl";
};

}  // namespace

TEST_CASE("replay folds, names the rule that fired and the one that never did, and is a finding while not all run") {
  const Files files;
  const auto got = files.replay();
  CHECK(got.err.empty());
  CHECK(got.status == 1);
  CHECK(has(got.out, "3 attempts in 3 alerts: 2 would run silently, 0 run and be told, 1 be denied.\n"));
  CHECK(has(got.out, "50-web.policy [Allow x]"));
  CHECK(has(got.out, "[Allow never]"));
  CHECK(has(got.out, "never\n"));
  const auto script = files.replay({"--json"});
  CHECK(script.status == 1);
  const auto value = json::parse(script.out);
  CHECK(value.at("attempts").as_array().size() == 2);
  CHECK(value.at("totals").at("run") == 2);
  CHECK(value.at("totals").at("deny") == 1);
  CHECK(value.at("rules").at(0).at("attempts") == 2);
  CHECK(value.at("rules").at(1).at("attempts") == 0);
  files.policy("[Drift]\nMode=prevent\n[Allow x]\nPath=/tmp/*\n");
  CHECK(files.replay().status == 0);
  files.policy("[Drift]\nMode=detect\n");
  CHECK(has(files.replay().out, "runs, told"));
}

TEST_CASE("attempts that were folded into an alert count") {
  const Files files;
  auto folded = drift("/tmp/y");
  folded["repeats"] = 41;
  files.lines({drift("/tmp/y"), folded});
  CHECK(has(files.replay().out, "42 attempts in 2 alerts"));
}

TEST_CASE("replay says what cannot be told, and on what it hangs") {
  const Files files;
  files.policy("[Drift]\nMode=prevent\n[Allow x]\nSha256=" + kHash + "\n");
  files.lines({drift("/tmp/x", "")});
  const auto got = files.replay();
  CHECK(got.status == 1);
  CHECK(has(got.out, "cannot be told"));
  CHECK(has(got.out, "it hangs on the file's SHA-256, which the alert does not have"));
  files.lines({drift("/tmp/x")});
  CHECK(files.replay().status == 0);
  CHECK(has(files.replay().out, "holds only while nobody can write the file"));
}

TEST_CASE("policies are tried in the order of their names, and one for others covers nothing") {
  const Files files;
  files.policy("[Match]\nContainer=web-*\n[Drift]\nMode=off\n", "10-off.policy");
  CHECK(files.replay({files.directory / "10-off.policy"}).status == 0);
  files.policy("[Match]\nContainer=db-*\n");
  const auto got = files.replay();
  CHECK(got.status == 1);
  CHECK(has(got.out, "3 in containers that none of the policies is for"));
}

TEST_CASE("wrong input names file and line, once, with status 2") {
  const Files files;
  const std::string good = json::serialize(drift("/tmp/x")) + '\n';
  for (const auto& [text, where] : std::vector<std::pair<std::string, std::string>>{
           {good + "{\"time\":2026-\n", "alerts.jsonl:2: "},
           {good + "x\n", "alerts.jsonl:2: "},
           {good + good + "[]\n", "alerts.jsonl:3: "},
           {std::string("\0\0\0\n", 4), "alerts.jsonl:1: "},
           {good + "{\"file\":" + std::string(100'000, '[') + "\n", "alerts.jsonl:2: "},
           {std::string((4UL << 20) + 2, 'x'), "alerts.jsonl:1: "}}) {
    files.text(text);
    const auto got = files.replay();
    CHECK(got.status == 2);
    CHECK(got.out.empty());
    CHECK(std::count(got.err.begin(), got.err.end(), '\n') == 1);
    CHECK(has(got.err, where));
    CHECK(got.err.size() < 500);
  }
  auto strange = drift("/tmp/x");
  strange["reason"] = "strange\x1b[2J";
  files.lines({strange});
  CHECK(files.replay().status == 2);
  CHECK(files.replay().err.find('\x1b') == std::string::npos);
  files.policy("[Drift]\nMode=sometimes\n");
  CHECK(has(files.replay().err, "50-web.policy:2"));
  CHECK(files.replay().status == 2);
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {"policy", "replay", "x.policy"},
           {"policy", "replay", "--alerts", "/nonexistent", "x.policy"},
           {"policy", "replay", "--alerts", files.directory.path(), files.directory / "50-web.policy"},
           {"policy", "suggest"},
           {"policy", "suggest", "web-1", "--alerts", "/nonexistent"},
           {"policy", "suggest", "web-1", "--alerts", files.directory.path()},
           {"policy", "suggest", "web-1", "--since", "soon"}}) {
    const auto got = run_holdfast(wrong);
    CHECK(got.status == 2);
    CHECK(std::count(got.err.begin(), got.err.end(), '\n') == 1);
  }
}

TEST_CASE("half an alert, as a killed service leaves it, is left out, told, and a finding") {
  const Files files;
  files.policy("[Drift]\nMode=prevent\n[Allow x]\nPath=/tmp/x\n");
  const std::string good = json::serialize(drift("/tmp/x")) + '\n';
  for (std::size_t length = 1; length + 1 < good.size(); ++length) {
    if (length > 10 && length % 29 != 0) continue;
    CAPTURE(length);
    files.text(good + good.substr(0, length) + "\n" + good + good.substr(0, length));
    const std::vector<std::pair<std::vector<std::string>, const char*>> readers = {
        {{"policy", "replay", "--alerts", files.alerts, files.directory / "50-web.policy"}, "2 attempts in 2 alerts"},
        {{"policy", "suggest", "web-1", "--alerts", files.alerts}, "Path=/tmp/x\n"},
        {{"alerts", "--alerts", files.alerts, "--check"}, "2026-11-2"}};
    for (const auto& [words, shown] : readers) {
      const auto got = run_holdfast(words);
      CHECK(got.status == 1);
      CHECK(has(got.err, "alerts.jsonl:2: left out: half an alert"));
      CHECK(has(got.err, "alerts.jsonl:4: left out: half an alert"));
      CHECK(std::count(got.err.begin(), got.err.end(), '\n') == 2);
      CHECK(has(got.out, shown));
    }
    const auto totals = json::parse(files.replay({"--json"}).out).at("totals");
    CHECK(totals.at("half_alerts") == 2);
    CHECK(totals.at("run") == 2);
  }
  files.text(good + "{}\n");
  CHECK(files.replay().status == 2);
}

TEST_CASE("10,000 different attempts are taken, and more are refused") {
  const Files files;
  std::vector<json::object> many;
  for (int i = 0; i < 10'001; ++i) many.push_back(drift("/tmp/" + std::to_string(i)));
  files.lines(many);
  CHECK(has(files.replay().err, "more than 10000 different attempts"));
  many.pop_back();
  files.lines(many);
  CHECK(has(files.replay().out, "10,000 attempts in 10,000 alerts"));
}

TEST_CASE("what is suggested is a policy, and replayed lets pass what was alerted and nothing else") {
  const Files files;
  files.lines(
      {drift("/tmp/x"), drift("/tmp/[y]*"), drift("/tmp/x", std::string(64, 'b')), drift("/tmp/z", kHash, "db-1")});
  const auto got = run_holdfast({"policy", "suggest", "web-1", "--alerts", files.alerts});
  CHECK(got.status == 0);
  CHECK(got.err.empty());
  files.policy("[Drift]\nMode=prevent\n" + got.out);
  CHECK(run_holdfast({"policy", "check", files.directory / "50-web.policy"}).status == 0);
  const auto value = json::parse(files.replay({"--json"}).out);
  CHECK(value.at("totals").at("run") == 3);
  CHECK(value.at("totals").at("deny") == 1);
  // The same bytes elsewhere, other bytes there, and a name that the glob would fit unquoted.
  files.lines({drift("/tmp/x2"), drift("/tmp/x", std::string(64, 'c')), drift("/tmp/yz")});
  CHECK(json::parse(files.replay({"--json"}).out).at("totals").at("deny") == 3);
}

TEST_CASE("a container is meant by id, the start of one, or name; what is left out is said and a finding") {
  const Files files;
  files.lines({drift("/tmp/x", kHash, "web-1"), drift("/tmp/y", "", "web-1"), drift("/tmp/z", kHash, "web-2")});
  const auto got = run_holdfast({"policy", "suggest", "web-1", "--alerts", files.alerts});
  CHECK(got.status == 1);
  CHECK(has(got.out, "# - /tmp/y (added, 1 attempt): the alert has no SHA-256"));
  CHECK(has(run_holdfast({"policy", "suggest", "id-of-web-2", "--alerts", files.alerts}).out, "Path=/tmp/z\n"));
  const auto several = run_holdfast({"policy", "suggest", "id-of-web", "--alerts", files.alerts});
  CHECK(several.status == 2);
  CHECK(has(several.err, "give more of the id"));
  const auto nobody = run_holdfast({"policy", "suggest", "nobody", "--alerts", files.alerts});
  CHECK(nobody.status == 0);
  CHECK(has(nobody.out, "from 0 alerts"));
  const auto script = run_holdfast({"policy", "suggest", "web-1", "--alerts", files.alerts, "--json"});
  CHECK(json::parse(script.out).at("rules") == 1);
}

TEST_CASE("alerts may come through a pipe") {
  const Files files;
  const std::string command = "cat " + files.alerts + " | " + HOLDFAST_BINARY + " policy replay --alerts - " +
                              (files.directory / "50-web.policy") + " >/dev/null";
  const int status = std::system(command.c_str());
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 1);
}
