#include "holdfast/verdict/replay.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "holdfast/policy/load.h"

#include "fixture.h"

using namespace holdfast;
using namespace holdfast::verdict;
using policy::Verdict;
using test::kHash;
using test::kNow;
using test::kPrevent;

namespace {

alert::Record record(const char* reason = "added", const char* path = "/tmp/x", const char* layer = "upper") {
  alert::Record made;
  made.alert.reason = reason;
  made.alert.verdict = "deny";
  made.alert.container.emplace();
  made.alert.container->id = "abc";
  made.alert.container->name = "web-1";
  made.alert.container->image = "docker.io/library/nginx:1.27";
  made.alert.file.emplace();
  made.alert.file->path = path;
  made.alert.file->sha256 = kHash;
  made.alert.file->layer = layer;
  return made;
}

policy::Policy parsed(const std::string& text, const std::string& name = "50-web.policy") {
  auto policy = policy::parse_policy(text, name);
  if (!policy) FAIL(policy.error().message);
  return std::move(*policy);
}

Replayed replayed(const alert::Record& one, const std::string& text) { return *replay(one, {parsed(text)}, kNow); }

Decision certain(const alert::Record& one, const std::string& text) {
  const auto found = replayed(one, text);
  for (const auto& why : found.untold) MESSAGE(why);
  REQUIRE(found.certain());
  return found.outcomes.front().decision;
}

bool hangs_on(const Replayed& found, const std::string& words) {
  return !found.certain() && std::any_of(found.untold.begin(), found.untold.end(),
                                         [&](const auto& one) { return one.find(words) != std::string::npos; });
}

}  // namespace

TEST_CASE("an attempt is decided anew by mode, reason and rule") {
  CHECK(certain(record(), kPrevent).verdict == Verdict::deny);
  CHECK(certain(record(), "[Drift]\nMode=detect\n").verdict == Verdict::alert);
  CHECK(certain(record(), "[Drift]\nMode=off\n").verdict == Verdict::allow);
  CHECK(certain(record("relocated"), kPrevent).verdict == Verdict::allow);
  CHECK(certain(record("relocated"), kPrevent + "Relocated=deny\n").verdict == Verdict::deny);
  const auto allowed = certain(record(), kPrevent + "[Allow x]\nPath=/tmp/*\nSha256=" + kHash + "\n");
  CHECK(allowed.verdict == Verdict::allow);
  CHECK(allowed.rule == "x");
  CHECK(certain(record(), kPrevent + "[Allow x]\nSha256=" + std::string(64, 'b') + "\n").verdict == Verdict::deny);
  CHECK(certain(record(), kPrevent + "[Deny x]\nPath=/tmp/x\n[Allow y]\nPath=/tmp/x\n").reason ==
        policy::Reason::prohibited);
  for (const char* reason : {"added", "modified", "made-executable", "fileless", "loader"}) {
    const auto decision = certain(record(reason), kPrevent);
    CHECK(decision.verdict == Verdict::deny);
    CHECK(policy::to_string(*decision.reason) == reason);
  }
  CHECK(certain(record("library"), kPrevent + "Library=alert\n").verdict == Verdict::alert);
}

TEST_CASE("what passes by its hash is marked, since an alert does not tell of writers") {
  CHECK(replayed(record(), kPrevent + "[Allow x]\nSha256=" + kHash + "\n").outcomes.front().by_hash);
  CHECK_FALSE(replayed(record(), kPrevent + "[Allow x]\nPath=/tmp/x\n").outcomes.front().by_hash);
}

TEST_CASE("an exception that has ended lets nothing pass") {
  CHECK(certain(record(), kPrevent + "[Allow x]\nPath=/tmp/x\nUntil=2001-01-01\n").verdict == Verdict::deny);
}

TEST_CASE("the first policy that fits is the container's, and one that fits nobody covers nothing") {
  const auto off = parsed("[Match]\nContainer=web-*\n[Drift]\nMode=off\n", "10-a.policy");
  const auto all = parsed(kPrevent, "20-b.policy");
  CHECK(replay(record(), {off, all}, kNow)->outcomes.front().policy == "10-a.policy");
  CHECK(replay(record(), {all, off}, kNow)->outcomes.front().policy == "20-b.policy");
  const auto other = replayed(record(), "[Match]\nImage=*/redis:*\n");
  REQUIRE(other.certain());
  CHECK(other.outcomes.front().policy.empty());
}

TEST_CASE("a label is asked for: alerts have none, so both policies are possible") {
  const auto labelled = parsed("[Match]\nLabel=tier=front\n[Drift]\nMode=off\n", "10-a.policy");
  const auto found = *replay(record(), {labelled, parsed(kPrevent)}, kNow);
  CHECK(hangs_on(found, "label"));
  CHECK(found.outcomes.size() == 2);
}

TEST_CASE("a hash that the alert does not have is not guessed") {
  auto without = record();
  without.alert.file->sha256.clear();
  CHECK(hangs_on(replayed(without, kPrevent + "[Allow x]\nPath=/tmp/x\nSha256=" + kHash + "\n"), "SHA-256"));
  CHECK(certain(without, kPrevent + "[Allow x]\nPath=/opt/*\nSha256=" + kHash + "\n").verdict == Verdict::deny);
  CHECK(certain(without, kPrevent + "[Allow x]\nPath=/tmp/x\n").verdict == Verdict::allow);
  // Whether the prohibition fits is open; whether the exception would is not asked then.
  const auto open = replayed(without, kPrevent + "[Deny x]\nSha256=" + kHash + "\n[Allow y]\nPath=/tmp/x\n");
  CHECK(hangs_on(open, "SHA-256"));
}

TEST_CASE("who executed a file, and which other image ships its content, is not in the alert") {
  CHECK(hangs_on(replayed(record(), kPrevent + "[Allow x]\nPath=/tmp/*\nParent=/bin/sh\n"), "Parent="));
  CHECK(hangs_on(replayed(record(), kPrevent + "[Allow x]\nImage=tools:*\n"), "Image="));
  CHECK(certain(record(), kPrevent + "[Allow x]\nPath=/opt/*\nParent=/bin/sh\n").verdict == Verdict::deny);
}

TEST_CASE("whom the alert does not name has not executed the file; whom it names may be no image program") {
  const std::string by_updater = kPrevent + "[Allow x]\nPath=/tmp/*\nParent=/usr/bin/updater\n";
  auto denied = record();
  denied.alert.verdict = "deny";
  auto& process = denied.alert.process.emplace();
  process.exe = "/bin/busybox";
  denied.alert.ancestors = {process};
  denied.alert.ancestors.front().exe = "/usr/bin/updater";
  CHECK(certain(denied, by_updater).verdict == Verdict::deny);
  denied.alert.process->exe = "/usr/bin/updater";
  CHECK(hangs_on(replayed(denied, by_updater), "Parent="));
  denied.alert.process->exe.clear();  // cut, or gone
  CHECK(hangs_on(replayed(denied, by_updater), "Parent="));

  auto detected = denied;
  detected.alert.verdict = "allow";
  detected.alert.mode = "detect";
  CHECK(hangs_on(replayed(detected, by_updater), "Parent="));
  detected.alert.ancestors.front().exe = "/bin/busybox";
  CHECK(certain(detected, by_updater).verdict == Verdict::deny);
  detected.alert.mode = "prevent";  // let pass by the deadline
  CHECK(hangs_on(replayed(detected, by_updater), "Parent="));
}

TEST_CASE(
    "whom the alert does not name as the writer has not written the file; whom it names may be no image program") {
  const std::string by_updater = kPrevent + "[Allow x]\nPath=/tmp/*\nWriter=/usr/bin/updater\n";
  CHECK(hangs_on(replayed(record(), by_updater), "Writer="));
  auto written = record();
  written.alert.time = Wall::time_point(std::chrono::seconds{1'700'000'000});
  auto& writer = written.alert.writer.emplace();
  writer.exe = "/usr/bin/curl";
  writer.time = written.alert.time - std::chrono::seconds(3);
  CHECK(certain(written, by_updater).verdict == Verdict::deny);
  writer.exe = "/usr/bin/updater";
  CHECK(hangs_on(replayed(written, by_updater), "Writer="));
  // Cut, or not the one who wrote, or not the one who had written it when it was judged.
  writer.exe.clear();
  CHECK(hangs_on(replayed(written, by_updater), "Writer="));
  writer.exe = "/usr/bin/curl";
  writer.how = alert::Hand::renamed;
  CHECK(hangs_on(replayed(written, by_updater), "Writer="));
  writer.how = alert::Hand::wrote;
  writer.time = written.alert.time + std::chrono::milliseconds(1);
  CHECK(hangs_on(replayed(written, by_updater), "Writer="));
}

TEST_CASE("a path that is cut, or that no rule goes by, is not taken for one that fits") {
  auto cut = record();
  cut.alert.file->path.clear();
  cut.cut = {"file.path"};
  CHECK(hangs_on(replayed(cut, kPrevent + "[Allow x]\nPath=/tmp/x\n"), "path"));
  CHECK(certain(cut, kPrevent).verdict == Verdict::deny);
  CHECK(certain(record("added", "/tmp/x (deleted)"), kPrevent + "[Allow x]\nPath=/tmp/**\n").verdict == Verdict::deny);
  CHECK(certain(record("fileless", "/memfd:x", "memfd"), kPrevent + "[Allow x]\nPath=/**\n").verdict == Verdict::deny);
  CHECK(hangs_on(replayed(record("added", "/run/x", "tmpfs"), kPrevent + "[Allow x]\nPath=/run/x\n"), "mounted"));
  CHECK(hangs_on(replayed(record("added", "/mnt/x", ""), kPrevent + "[Allow x]\nPath=/mnt/x\n"), "mounted"));
  CHECK(certain(record("added", "/run/x", "tmpfs"), kPrevent + "[Allow x]\nPath=/tmp/x\n").verdict == Verdict::deny);
}

TEST_CASE("a volume's mount is not in the alert") {
  const auto volume = record("volume", "/data/bin/x", "volume");
  CHECK(hangs_on(replayed(volume, kPrevent), "mount"));  // alert if the container can write it, else allow
  CHECK(certain(volume, kPrevent + "Volume=deny\n").verdict == Verdict::deny);
  CHECK(certain(volume, kPrevent + "Volume=deny\n[Volume other]\nPath=/srv\nVerdict=allow\n").verdict == Verdict::deny);
  CHECK(hangs_on(replayed(volume, kPrevent + "Volume=deny\n[Volume data]\nPath=/data\nVerdict=allow\n"), "mount"));
  CHECK(hangs_on(replayed(volume, kPrevent + "Volume=deny\n[Volume nfs]\nType=nfs*\nVerdict=allow\n"), "mount"));
}

TEST_CASE("what lies behind `prohibited` and `unmediated` is told as far as the alert goes") {
  auto image = record("prohibited", "/usr/bin/nc", "image");
  CHECK(certain(image, kPrevent).verdict == Verdict::allow);
  CHECK(certain(image, kPrevent + "[Deny nc]\nPath=/usr/bin/nc\n").verdict == Verdict::deny);
  CHECK(certain(record("unmediated", "/mnt/x", "tmpfs"), kPrevent).reason == policy::Reason::added);
  CHECK(hangs_on(replayed(record("unmediated"), kPrevent), "a program of the image"));
  auto touched = record("unmediated");
  touched.alert.image_file = alert::ImageFileInfo{kHash, 1, 0755};
  CHECK(certain(touched, kPrevent).verdict == Verdict::allow);
  touched.alert.image_file->sha256 = std::string(64, 'b');
  CHECK(certain(touched, kPrevent).reason == policy::Reason::modified);
  touched.alert.image_file->sha256.clear();
  CHECK_FALSE(replayed(touched, kPrevent).certain());
}

TEST_CASE("what is no attempt is refused") {
  auto other = record();
  other.alert.kind = alert::Kind::service;
  CHECK_FALSE(replay(other, {}, kNow).ok());
  CHECK(replay(record("strange"), {}, kNow).error().message.find("strange") != std::string::npos);
  CHECK_FALSE(replay(record("added", "/x", "moon"), {}, kNow).ok());
}
