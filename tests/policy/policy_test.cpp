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
      "Action=none\nVolume=deny\nFileless=alert\nLoader=allow\nLibrary=deny\n"
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
  CHECK(policy.drift.verdict_for(Reason::volume) == Verdict::deny);
  CHECK(policy.drift.verdict_for_volume(false) == Verdict::deny);
  CHECK(policy.drift.verdict_for(Reason::fileless) == Verdict::alert);
  CHECK(policy.drift.verdict_for(Reason::loader) == Verdict::allow);
  CHECK(policy.drift.verdict_for(Reason::library) == Verdict::deny);
  CHECK(policy.drift.action == Drift::Action::none);
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
  for (const Mode mode : {Mode::detect, Mode::prevent}) {
    Drift drift;
    drift.mode = mode;
    CHECK(drift.verdict_for_volume(true) == Verdict::alert);
    CHECK(drift.verdict_for_volume(false) == Verdict::allow);
  }
  CHECK(Drift{Mode::off, {}, {}, {}}.verdict_for_volume(true) == Verdict::allow);
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
           {"[Drift]\nEvidence=lots\n", "is not a size; 0, or up to 1G, like 64M, would be right"},
           {"[Drift]\nEvidence=2G\n", "is not a size"},
           {"[Drift]\nEvidence=64M\n",
            "f.policy:2: [Drift] Evidence: keeping what was denied never applies in detect mode"},
           {"[Drift]\nAction=reboot\n", "is not an action; none, kill, pause or stop would be right"},
           {"[Drift]\nAction=kill\n", "f.policy:2: [Drift] Action: kill never applies in detect mode"},
           {"[Drift]\nAction=pause\n", "f.policy:2: [Drift] Action: pause never applies in detect mode"},
           {"[Drift]\nAction=stop\nMode=detect\n", "Action: stop never applies in detect mode; Mode=prevent, or none"},
           {"[Drift]\nMode=off\nAction=kill\n", "kill never applies in off mode; Mode=prevent, or none would be"},
           {"[Drift]\nFileless=kill\n", "f.policy:2: [Drift] Fileless: \"kill\" is not a verdict"},
           {"[Drift]\nUnmediated=allow\n", "unknown key"},
           {"[Volume]\nPath=/data\nVerdict=deny\n", "[Volume]: it has no name; [Volume NAME] would be right"},
           {"[Volume x]\nVerdict=deny\n", "f.policy:1: [Volume x]: it names no mount; a Path=, Source=, Type="},
           {"[Volume x]\nPath=\nVerdict=alert\n", "it names no mount"},
           {"[Volume x]\nPath=/data\n", "f.policy:1: [Volume x]: it has no verdict; Verdict=allow, Verdict=alert"},
           {"[Volume x]\nPath=/data\nVerdict=\n", "it has no verdict"},
           {"[Volume x]\nPath=/data\nVerdict=kill\n", "f.policy:3: [Volume x] Verdict: \"kill\" is not a verdict"},
           {"[Volume x]\nPath=/d\nVerdict=alert\nVerdict=allow\n", "f.policy:4: [Volume x] Verdict: given twice"},
           {"[Volume x]\nPath=data\nVerdict=alert\n", "f.policy:2: [Volume x] Path: \"data\" is not absolute"},
           {"[Volume x]\nSource=/srv/\nVerdict=alert\n", "f.policy:2: [Volume x] Source: \"/srv/\" ends in"},
           {"[Volume x]\nReadOnly=ro\nVerdict=alert\n", "[Volume x] ReadOnly: \"ro\" is not a switch; yes or no"},
           {"[Volume x]\nPath=/x\nSha256=\n", "[Volume x] Sha256: unknown key; one of Path, Source, Type, ReadOnly"},
           {"[Volume x]\nPath=/x\nVerdict=deny\n",
            "f.policy:3: [Volume x] Verdict: deny never applies in detect mode; Mode=prevent, or alert or allow would"},
           {"[Volume x]\nPath=/x\nVerdict=deny\n[Drift]\nMode=off\n", "deny never applies in off mode"},
           {"[Volume x]\nPath=/x\nVerdict=alert\n[Volume x]\n", "[Volume x]: the section is there twice"},
           {"[Drift]\nProhibited=allow\n", "unknown key"},
           {"[Seal]\n", "f.policy:1: [Seal]: it has no window; Window=30s or Until=file:/run/ready would be right"},
           {"[Seal]\nWindow=\n", "it has no window"},
           {"[Seal x]\nWindow=30s\n", "unknown section"},
           {"[Seal]\nWindow=30\n", "f.policy:2: [Seal] Window: \"30\" is not a window; 1s to 1h, like 30s, would be"},
           {"[Seal]\nWindow=0s\n", "is not a window"},
           {"[Seal]\nWindow=2h\n", "is not a window"},
           {"[Seal]\nWindow=-1s\n", "is not a window"},
           {"[Seal]\nUntil=/run/ready\n", "is not the end of a window; file:/run/ready would be right"},
           {"[Seal]\nUntil=file:run/ready\n", "[Seal] Until: \"run/ready\" is not absolute"},
           {"[Seal]\nUntil=file:/run/../ready\n", "has \".\" or \"..\" in it"},
           {"[Seal]\nUntil=file:/\n", "is always there"},
           {"[Seal]\nWindow=3s\nWindow=4s\n", "given twice"},
           {"[Seal]\nPath=/x\n", "unknown key; one of Window, Until would be right"},
           {"[Match]\nImage=a\nColor=red\n", "[Match] Color: unknown key"},
           {"[Match]\nLabel=tier\n", "KEY=GLOB"},
           {"[Match]\nLabel==x\n", "KEY=GLOB"},
           {"[Allow]\nPath=/x\n", "[Allow]: it has no name; [Allow NAME] would be right"},
           {"[Allow x]\n", "f.policy:1: [Allow x]: it names no file; a Path=, Sha256=, Writer=, Parent="},
           {"[Allow x]\nParent=\nImage=\n", "it names no file"},
           {"[Allow x]\nWriter=apt\n", "f.policy:2: [Allow x] Writer: \"apt\" is not absolute"},
           {"[Deny x]\nWriter=/usr/bin/apt\n", "[Deny x] Writer: unknown key"},
           {"[Allow x]\nParent=sh\n", "f.policy:2: [Allow x] Parent: \"sh\" is not absolute"},
           {"[Allow x]\nParent=/bin/../sh\n", "has \".\" or \"..\" in it"},
           {"[Deny x]\nPath=/x\nParent=/bin/sh\n", "[Deny x] Parent: unknown key; one of Path, Sha256, Reason"},
           {"[Deny x]\nImage=tools:*\n", "[Deny x] Image: unknown key"},
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

TEST_CASE("an exception asks for all its keys, and for any value of a repeated one") {
  const auto hash = parse_sha256(kHash);
  const std::vector<std::string> images = {"localhost/tools:1", "sha256:77", "cafe"};
  const RuleSubject known{.path = "/opt/tool", .sha256 = hash, .parent = "/usr/bin/updater", .images = images};
  const auto fits = [](const std::string& keys, const RuleSubject& subject) {
    return parsed("[Allow x]\n" + keys).allows.at(0).fits(subject);
  };
  CHECK(fits("Parent=/usr/bin/updater", known));
  const RuleSubject written{.path = "/opt/tool", .sha256 = hash, .writer = "/usr/bin/apt", .parent = "/bin/sh"};
  CHECK(fits("Writer=/usr/bin/apt", written));
  CHECK(fits("Writer=/usr/bin/dpkg\nWriter=/usr/bin/a*\nPath=/opt/*\nParent=/bin/sh", written));
  CHECK_FALSE(fits("Writer=/bin/sh", written));
  CHECK_FALSE(fits("Writer=/usr/bin/apt", known));
  CHECK(fits("Parent=/bin/sh\nParent=/usr/bin/*", known));
  CHECK_FALSE(fits("Parent=/usr/*", known));  // a star stays within a directory
  CHECK(fits("Image=*/tools:*", known));
  CHECK(fits("Image=nobody\nImage=sha256:77", known));
  CHECK(fits("Image=cafe", known));
  CHECK_FALSE(fits("Image=tools:1", known));
  const std::string all = "Path=/opt/*\nSha256=" + std::string(kHash) + "\nParent=/usr/bin/updater\nImage=*/tools:1\n";
  CHECK(fits(all, known));
  for (const RuleSubject& lacking :
       {RuleSubject{.path = "/tmp/tool", .sha256 = hash, .parent = known.parent, .images = images},
        RuleSubject{.path = known.path, .sha256 = std::nullopt, .parent = known.parent, .images = images},
        RuleSubject{.path = known.path, .sha256 = Sha256{}, .parent = known.parent, .images = images},
        RuleSubject{.path = known.path, .sha256 = hash, .parent = "/bin/sh", .images = images},
        RuleSubject{.path = known.path, .sha256 = hash, .parent = known.parent, .images = {}}}) {
    CHECK_FALSE(fits(all, lacking));
  }
}

TEST_CASE("what is not known fits no exception that asks for it, whatever it would take") {
  for (const std::string keys : {"Writer=/**", "Parent=/**", "Image=*", "Path=/**", "Parent=/**\nImage=*"}) {
    CHECK_FALSE(parsed("[Allow x]\n" + keys).allows.at(0).fits({}));
  }
}

TEST_CASE("a seal has a window, the file that ends it, or both") {
  CHECK_FALSE(parsed("").seal);
  CHECK(parsed("[Seal]\nWindow=30s\n").seal->window == std::chrono::seconds(30));
  CHECK(parsed("[Seal]\nWindow=30s\n").seal->until.empty());
  CHECK(parsed("[Seal]\nUntil=file:/run/ready\n").seal->until == "/run/ready");
  CHECK(parsed("[Seal]\nUntil=file:/run/ready\n").seal->window == std::chrono::minutes(10));
  CHECK(parsed("[Seal]\nUntil=file:/run/ready\nWindow=1m\n").seal->window == std::chrono::minutes(1));
}

TEST_CASE("prevent mode may kill the process that tried, or its container, wherever the section says so") {
  CHECK(parsed("[Drift]\nAction=kill\nMode=prevent\n").drift.action == Drift::Action::kill);
  CHECK(parsed("[Drift]\nMode=prevent\nAction=pause\n").drift.action == Drift::Action::pause);
  CHECK(parsed("[Drift]\nMode=prevent\nAction=stop\n").drift.action == Drift::Action::stop);
  CHECK(parsed("[Drift]\nAction=none\n").drift.action == Drift::Action::none);
  CHECK(parsed("[Drift]\nAction=\n").drift.action == Drift::Action::none);
}

TEST_CASE("prevent mode may keep copies of what was denied, up to a size") {
  CHECK(parsed("[Drift]\nEvidence=64M\nMode=prevent\n").drift.evidence == 64U << 20);
  CHECK(parsed("[Drift]\nMode=prevent\nEvidence=1G\n").drift.evidence == 1U << 30);
  CHECK(parsed("[Drift]\nEvidence=0\n").drift.evidence == 0);
  CHECK(parsed("[Drift]\nMode=prevent\n").drift.evidence == 0);
}

TEST_CASE("volume sections are kept in the order of the file") {
  const Policy policy = parsed(
      "[Volume b]\nPath=/data\nPath=/srv/**\nSource=nas:/export\nSource=/host/*\nType=ext?\nReadOnly=no\n"
      "Verdict=deny\n[Volume a]\nReadOnly=yes\nVerdict=allow\n[Drift]\nMode=prevent\n[Volume c]\nType=nfs4\n"
      "Verdict=alert\n");
  REQUIRE(policy.volumes.size() == 3);
  const VolumeRule& rule = policy.volumes[0];
  CHECK(rule.name == "b");
  CHECK(rule.destinations == std::vector<std::string>{"/data", "/srv/**"});
  CHECK(rule.sources == std::vector<std::string>{"nas:/export", "/host/*"});
  CHECK(rule.types == std::vector<std::string>{"ext?"});
  CHECK(rule.read_only == false);
  CHECK(rule.verdict == Verdict::deny);
  CHECK(policy.volumes[1].name == "a");
  CHECK(policy.volumes[1].read_only == true);
  CHECK(policy.volumes[1].verdict == Verdict::allow);
  CHECK(policy.volumes[2].name == "c");
}

TEST_CASE("a volume section asks for all keys, and for any value of a repeated one") {
  const VolumeSubject data{"/data/sub", "/srv/www", "ext4", true};
  const VolumeSubject unknown{"", "", "", true};
  const auto fits = [](const std::string& keys, const VolumeSubject& volume) {
    return parsed("[Volume x]\nVerdict=alert\n" + keys).volumes.at(0).fits(volume);
  };
  CHECK(fits("Path=/data/*", data));
  CHECK(fits("Path=/nowhere\nPath=/data/sub", data));
  CHECK_FALSE(fits("Path=/data", data));
  CHECK_FALSE(fits("Path=/*", data));  // a star stays within a directory
  CHECK(fits("Path=/**", data));
  CHECK(fits("Source=/srv/*", data));
  CHECK(fits("Source=nas:/export\nSource=/srv/www", data));
  CHECK_FALSE(fits("Source=/home/**", data));
  CHECK(fits("Type=xfs\nType=ext*", data));
  CHECK_FALSE(fits("Type=xfs", data));
  CHECK(fits("ReadOnly=no", data));
  CHECK_FALSE(fits("ReadOnly=yes", data));
  CHECK(fits("Path=/data/**\nSource=/srv/**\nType=ext4\nReadOnly=no", data));
  CHECK_FALSE(fits("Path=/data/**\nSource=/srv/**\nType=ext4\nReadOnly=yes", data));
  CHECK_FALSE(fits("Path=/data/**\nSource=/srv/**\nType=xfs\nReadOnly=no", data));
  CHECK_FALSE(fits("Path=/**", unknown));
  CHECK(fits("Source=*\nType=*", unknown));
  CHECK_FALSE(VolumeRule{}.fits(data));
}

TEST_CASE("a hostile policy text cannot fool the reader of its error") {
  const std::string message = refusal("[Drift]\nMode=\x1b[2J\xff" + std::string(500, 'a') + "\n");
  CHECK(message.find('\x1b') == std::string::npos);
  CHECK(message.find("\\x1b[2J\\xff") != std::string::npos);
  CHECK(message.size() < 300);
}
