#include "holdfast/verdict/suggest.h"

#include <doctest/doctest.h>

#include "holdfast/base/text.h"
#include "holdfast/policy/load.h"
#include "holdfast/verdict/replay.h"

#include "fixture.h"

using namespace holdfast;
using namespace holdfast::verdict;
using test::kNow;

namespace {

const std::string kOne(64, '1'), kTwo(64, '2');

alert::Record record(const std::string& path, const std::string& hash, const char* reason = "added",
                     const char* layer = "upper") {
  alert::Record made;
  made.alert.time = Wall::time_point(std::chrono::seconds(1'790'000'000));
  made.alert.reason = reason;
  made.alert.verdict = "deny";
  made.alert.container.emplace();
  made.alert.container->name = "web-1";
  made.alert.file.emplace();
  made.alert.file->path = path;
  made.alert.file->sha256 = hash;
  made.alert.file->layer = layer;
  made.alert.process.emplace();
  made.alert.process->exe = "/bin/sh\n[Allow all]\nPath=/**";
  return made;
}

Suggestion suggestion(const std::vector<alert::Record>& records) {
  Suggester suggester;
  for (const auto& one : records) REQUIRE(suggester.add(one));
  return suggester.finish("web-1\n[Allow all]");
}

policy::Policy parsed(const Suggestion& made) {
  auto policy = policy::parse_policy("[Drift]\nMode=prevent\nRelocated=alert\n" + made.text, "x.policy");
  if (!policy) FAIL(policy.error().message << "\n" << made.text);
  return std::move(*policy);
}

bool passes(const alert::Record& one, const policy::Policy& policy) {
  const auto found = *replay(one, {policy}, kNow);
  return found.certain() && found.outcomes.front().decision.verdict == policy::Verdict::allow;
}

}  // namespace

TEST_CASE("what is suggested lets pass exactly what was alerted") {
  const std::vector<alert::Record> seen = {record("/tmp/x", kOne), record("/tmp/x", kTwo), record("/opt/y", kOne),
                                           record("/usr/bin/z", kTwo, "modified"), record("/tmp/x", kOne)};
  const auto made = suggestion(seen);
  CHECK(made.rules == 3);
  CHECK(made.left_out.empty());
  const auto policy = parsed(made);
  CHECK(policy.allows.size() == 3);
  for (const auto& one : seen) CHECK(passes(one, policy));
  CHECK_FALSE(passes(record("/opt/y", kTwo), policy));
  CHECK_FALSE(passes(record("/usr/bin/z", kOne), policy));
  CHECK_FALSE(passes(record("/tmp/xx", kOne), policy));
  CHECK_FALSE(passes(record("/tmp/x", std::string(64, '3')), policy));
  CHECK(made.text.find("3 attempts") != std::string::npos);
}

TEST_CASE("names that mean something in a glob or a policy file fit themselves alone, or are left out") {
  for (const std::string path : {"/tmp/*", "/tmp/[ab]", "/tmp/a?", "/tmp/a\\b", "/tmp/ x ", "/tmp/x ", "/tmp/#x;y=z",
                                 "/tmp/**", "/tmp/!]", "/tmp/\xc3\xa9", "/tmp/[", "/tmp/a]"}) {
    CAPTURE(path);
    const auto glob = exact_glob(path);
    REQUIRE(glob.has_value());
    CHECK(path_glob_match(*glob, path));
    const auto policy = parsed(suggestion({record(path, kOne)}));
    REQUIRE(policy.allows.size() == 1);
    CHECK(passes(record(path, kOne), policy));
    for (const char* other : {"/tmp/a", "/tmp/ab", "/tmp/b", "/tmp/x", "/tmp/axb", "/tmp/a/b"}) {
      CHECK_FALSE(passes(record(other, kOne), policy));
    }
  }
  for (const std::string& path :
       {std::string("/tmp/a\nb"), std::string("/tmp/\x1b[2J"), std::string("/tmp/\xff"),
        std::string("/tmp/\xe2\x80\xae"), std::string("/tmp/a\r"), std::string("relative"), std::string()}) {
    CHECK_FALSE(exact_glob(path).has_value());
    const auto made = suggestion({record(path, kOne)});
    CHECK(made.rules == 0);
    CHECK(made.left_out.size() == 1);
    CHECK(parsed(made).allows.empty());
  }
}

TEST_CASE("what cannot be let pass narrowly is left out, with the reason") {
  auto cut = record("", kOne);
  cut.cut = {"file.path"};
  for (const auto& one :
       {record("/usr/bin/nc", kOne, "prohibited", "image"), record("/memfd:x", kOne, "fileless", "memfd"),
        record("/lib/ld.so", kOne, "loader", "image"), record("/tmp/x", ""), record("/tmp/x (deleted)", kOne), cut}) {
    const auto made = suggestion({one});
    CHECK(made.rules == 0);
    REQUIRE(made.left_out.size() == 1);
    CHECK(made.text.find("# - " + made.left_out.front()) != std::string::npos);
    CHECK(parsed(made).allows.empty());
  }
}

TEST_CASE("a path beyond the root is said to be one that rules may not go by") {
  CHECK(suggestion({record("/run/x", kOne, "added", "tmpfs")}).text.find("beyond the root") != std::string::npos);
  CHECK(suggestion({record("/tmp/x", kOne)}).text.find("beyond the root") == std::string::npos);
}

TEST_CASE("nothing that is not drift is looked at, and too much is refused") {
  auto other = record("/tmp/x", kOne);
  other.alert.kind = alert::Kind::override_;
  CHECK(suggestion({other}).rules == 0);
  Suggester suggester;
  bool went_on = true;
  for (std::size_t i = 0; went_on && i <= Suggester::kMost; ++i) {
    went_on = suggester.add(record("/tmp/" + std::to_string(i), kOne));
  }
  CHECK_FALSE(went_on);
}
