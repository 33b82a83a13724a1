#include <string>

#include <doctest/doctest.h>

#include "holdfast/verdict/decide.h"

#include "facts_fixture.h"
#include "fixture.h"

using namespace holdfast;
using namespace holdfast::verdict;
using policy::Mode;
using policy::Policy;
using policy::Reason;
using policy::Rule;
using policy::Verdict;
using test::facts;
using test::kHashOfNothing;
using test::kNow;
using test::policy_in;
using test::rule;

TEST_CASE("an exception lets its files run and is named") {
  Policy p = policy_in(Mode::prevent);
  p.allows = {rule("other", {"/opt/*"}), rule("mine", {"/nowhere", "/tmp/*"}), rule("late", {"/tmp/*"})};
  const Decision d = decide(facts(Comparison::unknown_to_image), p, kNow);
  CHECK(d.verdict == Verdict::allow);
  CHECK(d.rule == "mine");
  CHECK(d.reason == Reason::added);
}

TEST_CASE("an exception ends at its moment") {
  Policy p = policy_in(Mode::prevent);
  p.allows = {rule("short", {"/tmp/*"})};
  p.allows[0].until = kNow;
  CHECK(decide(facts(Comparison::unknown_to_image), p, kNow).verdict == Verdict::deny);
  CHECK(decide(facts(Comparison::unknown_to_image), p, kNow - std::chrono::seconds{1}).verdict == Verdict::allow);
}

TEST_CASE("an exception by hash needs that hash, and nobody who could still write the file") {
  const auto hash = parse_sha256(kHashOfNothing);
  REQUIRE(hash);
  Policy p = policy_in(Mode::prevent);
  p.allows = {rule("by-hash", {"/tmp/*"}, {*hash})};
  Facts f = facts(Comparison::unknown_to_image);
  CHECK(decide(f, p, kNow).verdict == Verdict::deny);  // hash not known
  f.sha256 = Sha256{};
  CHECK(decide(f, p, kNow).verdict == Verdict::deny);
  f.sha256 = hash;
  CHECK(decide(f, p, kNow).verdict == Verdict::allow);
  f.comparison = Comparison::writer_present;
  CHECK(decide(f, p, kNow).verdict == Verdict::deny);
  f.comparison = Comparison::unknown_to_image;
  f.path = "/var/x";
  CHECK(decide(f, p, kNow).verdict == Verdict::deny);  // all keys must fit
  p.allows = {rule("by-path", {"/tmp/*"})};
  f = facts(Comparison::writer_present);
  CHECK(decide(f, p, kNow).verdict == Verdict::allow);  // whoever excepts a path excepts whatever is written there
}

TEST_CASE("an exception by program or image needs them known, and by image nobody who could still write the file") {
  Policy p = policy_in(Mode::prevent);
  Rule by_parent;
  by_parent.name = "updater";
  by_parent.parents = {"/usr/bin/updater"};
  Rule by_image;
  by_image.name = "tools";
  by_image.images = {"*/tools:*"};
  Facts f = facts(Comparison::unknown_to_image);
  f.parent = "/usr/bin/updater";
  p.allows = {by_parent};
  CHECK(decide(f, p, kNow).verdict == Verdict::allow);
  CHECK(decide(f, p, kNow).rule == "updater");
  f.comparison = Comparison::writer_present;  // who executes it says nothing about its content, and is not asked to
  CHECK(decide(f, p, kNow).verdict == Verdict::allow);
  f.parent.clear();
  CHECK(decide(f, p, kNow).verdict == Verdict::deny);
  Rule by_writer;
  by_writer.name = "apt";
  by_writer.writers = {"/usr/bin/apt"};
  p.allows = {by_writer};
  f.comparison = Comparison::unknown_to_image;
  CHECK(decide(f, p, kNow).verdict == Verdict::deny);
  f.writer = "/usr/bin/apt";
  CHECK(decide(f, p, kNow).rule == "apt");
  f.comparison = Comparison::writer_present;  // somebody else writes it, too
  CHECK(decide(f, p, kNow).verdict == Verdict::deny);
  p.allows = {by_image};
  f.comparison = Comparison::unknown_to_image;
  CHECK(decide(f, p, kNow).verdict == Verdict::deny);
  f.images = {"localhost/tools:1"};
  CHECK(decide(f, p, kNow).rule == "tools");
  f.comparison = Comparison::writer_present;
  CHECK(decide(f, p, kNow).verdict == Verdict::deny);
}

TEST_CASE("what is pinned runs silently where the policy seals, and nothing prohibited does") {
  Policy p = policy_in(Mode::prevent);
  Facts f = facts(Comparison::unknown_to_image);
  f.sealed = true;
  CHECK(decide(f, p, kNow).verdict == Verdict::deny);  // the policy was changed meanwhile
  p.seal.emplace();
  CHECK(decide(f, p, kNow).verdict == Verdict::allow);
  CHECK(decide(f, p, kNow).rule == "Seal");
  p.denies = {rule("never", {"/tmp/*"})};
  CHECK(decide(f, p, kNow).verdict == Verdict::deny);
  p.denies.clear();
  f.sealed = false;
  CHECK(decide(f, p, kNow).verdict == Verdict::deny);
}

TEST_CASE("a file without a path fits no path exception") {
  Policy p = policy_in(Mode::prevent);
  p.allows = {rule("all", {"/**"})};
  Facts f = facts(Comparison::unknown_to_image);
  f.path.clear();
  CHECK(decide(f, p, kNow).verdict == Verdict::deny);
}

TEST_CASE("a rule that names nothing fits nothing") {
  Policy p = policy_in(Mode::prevent);
  p.allows = {rule("empty", {})};
  CHECK(decide(facts(Comparison::unknown_to_image), p, kNow).verdict == Verdict::deny);
}

TEST_CASE("a prohibition comes before exceptions and stops image code too") {
  const auto hash = parse_sha256(kHashOfNothing);
  REQUIRE(hash);
  Policy p = policy_in(Mode::prevent);
  p.allows = {rule("all", {"/**"})};
  p.denies = {rule("netcat", {"/usr/bin/nc"}), rule("by-hash", {}, {*hash})};
  Facts f = facts(Comparison::image_identity, Layer::image);
  f.path = "/usr/bin/nc";
  Decision d = decide(f, p, kNow);
  CHECK(d.verdict == Verdict::deny);
  CHECK(d.reason == Reason::prohibited);
  CHECK(d.rule == "netcat");

  f.path = "/usr/bin/renamed";
  CHECK(decide(f, p, kNow).verdict == Verdict::allow);
  f.sha256 = hash;
  d = decide(f, p, kNow);
  CHECK(d.verdict == Verdict::deny);
  CHECK(d.rule == "by-hash");
  f.comparison = Comparison::writer_present;
  CHECK(decide(f, p, kNow).reason == Reason::prohibited);

  p.drift.mode = Mode::detect;
  CHECK(decide(f, p, kNow).verdict == Verdict::alert);
  p.drift.mode = Mode::off;
  CHECK(decide(f, p, kNow).verdict == Verdict::allow);
}

TEST_CASE("an identity in the prohibited table needs no fitting path") {
  Policy p = policy_in(Mode::prevent);
  p.allows = {rule("all", {"/**"})};
  Facts f = facts(Comparison::image_identity, Layer::image);
  f.prohibited = true;
  const Decision d = decide(f, p, kNow);
  CHECK(d.verdict == Verdict::deny);
  CHECK(d.reason == Reason::prohibited);
  CHECK(d.rule.empty());
}
