#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "holdfast/policy/load.h"

using namespace holdfast;
using namespace holdfast::policy;

namespace {

Policy parsed(std::string_view text) {
  auto policy = parse_policy(text, "/etc/holdfast/policy.d/50-web.policy");
  REQUIRE_MESSAGE(policy.ok(), policy.error().message);
  return policy.value();
}

Subject web() {
  Subject subject;
  subject.name = "web-1";
  subject.id = "0123456789ab";
  subject.image = "docker.io/library/nginx:1.27";
  subject.digest = "sha256:abcd";
  subject.runtime = "runc";
  subject.name_space = "prod";
  subject.labels = {{"tier", "front"}, {"empty", ""}};
  return subject;
}

bool matches(const std::string& keys, const Subject& subject = web()) {
  return parsed("[Match]\n" + keys).match.fits(subject);
}

std::string refusal(const std::string& text) {
  const auto policy = parse_policy(text, "f.policy");
  return policy.ok() ? "accepted" : policy.error().message;
}

constexpr std::string_view kHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

}  // namespace

TEST_CASE("a complete policy is read as it says") {
  const Policy policy = parsed(
      "# a comment\r\n"
      "; another\n"
      "[Match]\nImage=*/nginx:*\n Image = */httpd:* \nContainer=\nNamespace=prod\nLabel=tier=front=1\n\n"
      "[Drift]\nMode=prevent\nAdded=alert\nMadeExecutable=allow\nRelocated=deny\nOnDeadline=deny\nEvidence=0\n"
      "Action=none\nLibrary=allow\n"
      "[Allow my plugins]\nPath=/opt/app/*\nPath=/srv/**\nUntil=2026-12-31\nReason=ticket 4711\n"
      "[Allow pinned]\nSha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nUntil=\n"
      "[Deny netcat]\nPath=/usr/bin/nc\n");
  CHECK(policy.name == "50-web.policy");
  CHECK(policy.file == "/etc/holdfast/policy.d/50-web.policy");
  CHECK(policy.match.image == std::vector<std::string>{"*/nginx:*", "*/httpd:*"});
  CHECK(policy.match.container.empty());
  CHECK(policy.match.labels == std::vector<std::pair<std::string, std::string>>{{"tier", "front=1"}});
  CHECK(policy.drift.mode == Mode::prevent);
  CHECK(policy.drift.verdict_for(Reason::added) == Verdict::alert);
  CHECK(policy.drift.verdict_for(Reason::modified) == Verdict::deny);
  CHECK(policy.drift.verdict_for(Reason::made_executable) == Verdict::allow);
  CHECK(policy.drift.verdict_for(Reason::relocated) == Verdict::deny);
  CHECK(policy.drift.on_deadline == Verdict::deny);
  REQUIRE(policy.allows.size() == 2);
  CHECK(policy.allows[0].name == "my plugins");
  CHECK(policy.allows[0].paths == std::vector<std::string>{"/opt/app/*", "/srv/**"});
  CHECK(policy.allows[0].reason == "ticket 4711");
  CHECK(policy.allows[0].until == std::chrono::sys_days{std::chrono::year{2026} / 12 / 31});
  CHECK(policy.allows[1].needs_hash());
  CHECK_FALSE(policy.allows[1].until);
  REQUIRE(policy.denies.size() == 1);
  CHECK(policy.denies[0].name == "netcat");
}

TEST_CASE("an empty policy fits every container and detects") {
  const Policy policy = parsed("");
  CHECK(policy.match.fits(Subject{}));
  CHECK(policy.match.fits(web()));
  CHECK(policy.drift.mode == Mode::detect);
  CHECK_FALSE(policy.drift.on_deadline);
}

TEST_CASE("a moment may be given with its time and zone") {
  const auto until = [](const std::string& text) {
    return parsed("[Allow x]\nPath=/x\nUntil=" + text).allows[0].until;
  };
  const std::chrono::sys_seconds day = std::chrono::sys_days{std::chrono::year{2026} / 12 / 31};
  CHECK(until("2026-12-31T18:00:00Z") == day + std::chrono::hours{18});
  CHECK(until("2026-12-31T18:00:00.25+01:30") == day + std::chrono::minutes{16 * 60 + 30});
  CHECK(until("2026-12-31T18:00:00-01:00") == day + std::chrono::hours{19});
}

TEST_CASE("a match asks for all keys, and for any value of a repeated one") {
  CHECK(matches("Image=*/nginx:*"));
  CHECK(matches("Image=*/httpd:*\nImage=*/nginx:*"));
  CHECK_FALSE(matches("Image=*/nginx:*\nNamespace=dev"));
  CHECK(matches("Image=*/nginx:*\nNamespace=prod\nRuntime=runc"));
  CHECK(matches("Image=sha256:*"));
  CHECK(matches("Container=web-*"));
  CHECK(matches("Container=0123*"));
  CHECK_FALSE(matches("Container=db-*"));
  CHECK(matches("Label=tier=fr*"));
  CHECK(matches("Label=tier=back\nLabel=tier=front"));
  CHECK_FALSE(matches("Label=tier=back"));
  CHECK_FALSE(matches("Label=role=*"));
  CHECK(matches("Label=empty=*"));
  CHECK(matches("Label=empty="));
}

TEST_CASE("an unknown property fits only a match that does not ask") {
  CHECK_FALSE(matches("Pod=web-*"));
  CHECK(matches("Pod=*"));
  CHECK(matches("Pod="));
  CHECK_FALSE(matches("Image=?*", Subject{}));
  CHECK_FALSE(matches("Container=w*", Subject{}));
  CHECK(matches("Image=*\nContainer=*\nNamespace=*", Subject{}));
}

TEST_CASE("unset verdicts follow the mode") {
  for (const Reason reason : kReasons) {
    Drift drift;
    drift.mode = Mode::off;
    CHECK(drift.verdict_for(reason) == Verdict::allow);
    const bool quiet = reason == Reason::relocated || reason == Reason::library;
    drift.mode = Mode::detect;
    CHECK(drift.verdict_for(reason) == (quiet ? Verdict::allow : Verdict::alert));
    drift.mode = Mode::prevent;
    CHECK(drift.verdict_for(reason) == (quiet                      ? Verdict::allow
                                        : reason == Reason::volume ? Verdict::alert
                                                                   : Verdict::deny));
  }
}

TEST_CASE("reasons, modes and verdicts are read back as they are written") {
  for (const Reason reason : kReasons) CHECK(parse_reason(to_string(reason)) == reason);
  for (const Mode mode : {Mode::off, Mode::detect, Mode::prevent}) CHECK(parse_mode(to_string(mode)) == mode);
  for (const Verdict verdict : {Verdict::allow, Verdict::alert, Verdict::deny}) {
    CHECK(parse_verdict(to_string(verdict)) == verdict);
  }
  CHECK(to_string(Reason::made_executable) == "made-executable");
  CHECK_FALSE(parse_reason("Added"));
  CHECK_FALSE(parse_mode(""));
  CHECK_FALSE(parse_verdict("killed"));
}

TEST_CASE("a refusal names file, line, section, key, what is wrong and what would be right") {
  CHECK(refusal("[Drift]\n\nMode=block\n") ==
        "f.policy:3: [Drift] Mode: \"block\" is not a mode; off, detect or prevent would be right");
  CHECK(refusal("[Allow x]\nPath=bin\n") ==
        "f.policy:2: [Allow x] Path: \"bin\" is not absolute; an absolute path as the kernel writes it, like "
        "/opt/app/bin, would be right");
}

TEST_CASE("mistakes are refused") {
  struct Row {
    std::string text, says;
  };
  const std::string hash(kHash);
  for (const Row& row : std::vector<Row>{
           {"Mode=detect\n", "f.policy:1: \"Mode=detect\": no section yet"},
           {"[Drift\n", "f.policy:1: \"[Drift\": a section that is not closed"},
           {"[]\n", "f.policy:1: a section without a name"},
           {"[Drift]\nMode\n", "f.policy:2: \"Mode\": not a setting"},
           {"[Drift]\n=x\n", "not a setting"},
           {"[Drift]\nMod=detect\n", "f.policy:2: [Drift] Mod: unknown key; one of Mode, OnDeadline"},
           {"[Drift]\nMode=detect\nMode=detect\n", "f.policy:3: [Drift] Mode: given twice"},
           {"[Drift]\nMode=\nMode=detect\n", "given twice"},
           {"[Drift]\n[Drift]\n", "f.policy:2: [Drift]: the section is there twice"},
           {"[Drift x]\n", "unknown section"},
           {"[Service]\n", "[Service]: unknown section; [Match], [Drift]"},
           {"[Drift]\nAdded=block\n", "allow, alert or deny would be right"},
           {"[Drift]\nMode=detect\nAdded=deny\n", "f.policy:3: [Drift] Added: deny never applies in detect mode"},
           {"[Drift]\nAdded=deny\n", "deny never applies in detect mode"},
           {"[Drift]\nAdded=deny\nMode=off\n", "deny never applies in off mode"},
           {"[Drift]\nOnDeadline=deny\n", "deny never applies in detect mode"},
           {"[Drift]\nMode=prevent\nOnDeadline=alert\n", "allow or deny would be right"},
           {"[Drift]\nEvidence=lots\n", "is not a size"},
           {"[Drift]\nAction=reboot\n", "is not an action"},
           {"[Drift]\nProhibited=allow\n", "unknown key"},
           {"[Match]\nImage=a\nColor=red\n", "[Match] Color: unknown key"},
           {"[Match]\nLabel=tier\n", "KEY=GLOB"},
           {"[Match]\nLabel==x\n", "KEY=GLOB"},
           {"[Allow]\nPath=/x\n", "[Allow]: it has no name; [Allow NAME] would be right"},
           {"[Allow x]\n", "f.policy:1: [Allow x]: it names no file"},
           {"[Allow x]\nPath=\nReason=because\n", "it names no file"},
           {"[Deny x]\nReason=because\n", "it names no file"},
           {"[Deny x]\nPath=/x\nUntil=2026-01-01\n", "[Deny x] Until: unknown key"},
           {"[Allow x]\nPath=/x\n[Allow x]\nPath=/y\n", "f.policy:3: [Allow x]: the section is there twice"},
           {"[Allow x]\nPath=/a/../b\n", "has \".\" or \"..\" in it"},
           {"[Allow x]\nPath=/a/./b\n", "has \".\" or \"..\" in it"},
           {"[Allow x]\nPath=/a/..\n", "has \".\" or \"..\" in it"},
           {"[Allow x]\nPath=/a//b\n", "has \"//\" in it"},
           {"[Allow x]\nPath=/a/\n", "ends in \"/\""},
           {"[Allow x]\nSha256=abc\n", "64 hexadecimal digits"},
           {"[Allow x]\nPath=/x\nUntil=soon\n", "is not a date"},
           {"[Allow x]\nPath=/x\nUntil=2026-02-30\n", "is not a date"},
           {"[Allow x]\nPath=/x\nUntil=2026-12-31T25:00:00Z\n", "is not a date"},
           {"[Allow x]\nPath=/x\nUntil=2026-12-31T18:00:00\n", "is not a date"},
           {"[Allow x]\nPath=/x\nUntil=2026-12-31 later\n", "is not a date"},
           {std::string("[Drift]\nMode=de\0tect\n", 21), "f.policy:2: the line holds a NUL byte"},
           {"[Drift]\n#" + std::string(65 * 1024, 'x') + "\n", "f.policy:2: the line is too long"},
           {std::string(1024 * 1024 + 1, '\n'), "the file is too large"},
           {"[Allow " + std::string(129, 'x') + "]\n", "the name is too long"},
       }) {
    CHECK_MESSAGE(refusal(row.text).find(row.says) != std::string::npos, refusal(row.text) << "\nlacks " << row.says);
  }
}

TEST_CASE("what this version does not do is refused by name, not ignored") {
  for (const std::string text :
       {"[Allow x]\nPath=/x\nWriter=/usr/bin/apt\n", "[Allow x]\nPath=/x\nParent=/bin/sh\n",
        "[Allow x]\nPath=/x\nImage=tools:*\n", "[Volume data]\nPath=/data\nVerdict=deny\n", "[Seal]\nWindow=30s\n",
        "[Drift]\nEvidence=10M\n", "[Drift]\nAction=kill\n", "[Drift]\nAction=pause\n", "[Drift]\nAction=stop\n",
        "[Drift]\nMode=prevent\nVolume=deny\n", "[Drift]\nFileless=alert\n", "[Drift]\nMode=prevent\nLoader=deny\n",
        "[Drift]\nLibrary=alert\n"}) {
    CHECK_MESSAGE(refusal(text).find("not supported by this version: ") != std::string::npos, refusal(text));
  }
  CHECK(refusal("[Drift]\nVolume=\nFileless=\nLoader=\nLibrary=\n[Allow x]\nPath=/x\nWriter=\nParent=\nImage=\n") ==
        "accepted");
}

TEST_CASE("a hostile policy text cannot fool the reader of its error") {
  const std::string message = refusal("[Drift]\nMode=\x1b[2J\xff" + std::string(500, 'a') + "\n");
  CHECK(message.find('\x1b') == std::string::npos);
  CHECK(message.find("\\x1b[2J\\xff") != std::string::npos);
  CHECK(message.size() < 300);
}
