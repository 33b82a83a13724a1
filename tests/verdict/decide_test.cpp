#include "holdfast/verdict/decide.h"

#include <optional>
#include <string>

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::verdict;
using policy::Mode;
using policy::Policy;
using policy::Reason;
using policy::Rule;
using policy::Verdict;

namespace {

constexpr std::chrono::sys_seconds kNow{std::chrono::seconds{1'800'000'000}};
constexpr std::string_view kHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

Facts facts(Comparison comparison, Layer layer = Layer::upper) {
  Facts f;
  f.path = "/tmp/x";
  f.layer = layer;
  f.comparison = comparison;
  return f;
}

Policy policy_in(Mode mode) {
  Policy p;
  p.name = "test.policy";
  p.drift.mode = mode;
  return p;
}

Rule rule(std::string name, std::vector<std::string> paths, std::vector<Sha256> hashes = {}) {
  Rule r;
  r.name = std::move(name);
  r.paths = std::move(paths);
  r.hashes = std::move(hashes);
  return r;
}

struct Classified {
  Comparison comparison;
  Layer layer;
  bool image_has_path, image_path_executable;
  std::optional<Reason> reason;
};

}  // namespace

TEST_CASE("each comparison amounts to its reason") {
  for (const bool has : {false, true}) {
    for (const bool exec : {false, true}) {
      for (const Classified& c : {
               Classified{Comparison::image_identity, Layer::image, has, exec, std::nullopt},
               Classified{Comparison::image_identity, Layer::upper, has, exec, std::nullopt},
               Classified{Comparison::same_as_image_path, Layer::upper, has, true, std::nullopt},
               Classified{Comparison::same_as_image_path, Layer::upper, has, false, Reason::made_executable},
               Classified{Comparison::same_as_other_file, Layer::upper, has, exec, Reason::relocated},
               Classified{Comparison::differs_from_path, Layer::upper, has, exec, Reason::modified},
               Classified{Comparison::unknown_to_image, Layer::upper, has, exec, Reason::added},
               Classified{Comparison::writer_present, Layer::upper, true, exec, Reason::modified},
               Classified{Comparison::writer_present, Layer::upper, false, exec, Reason::added},
           }) {
        Facts f = facts(c.comparison, c.layer);
        f.image_has_path = c.image_has_path;
        f.image_path_executable = c.image_path_executable;
        CHECK(classify(f) == c.reason);
      }
    }
  }
}

TEST_CASE("what lies outside the root file system is never image code") {
  for (const Comparison comparison :
       {Comparison::image_identity, Comparison::same_as_image_path, Comparison::same_as_other_file,
        Comparison::differs_from_path, Comparison::unknown_to_image, Comparison::writer_present}) {
    CHECK(classify(facts(comparison, Layer::volume)) == Reason::volume);
    CHECK(classify(facts(comparison, Layer::memfd)) == Reason::fileless);
    CHECK(classify(facts(comparison, Layer::tmpfs)) == Reason::added);
  }
}

TEST_CASE("image code runs silently in every mode") {
  for (const Mode mode : {Mode::off, Mode::detect, Mode::prevent}) {
    const Decision d = decide(facts(Comparison::image_identity, Layer::image), policy_in(mode), kNow);
    CHECK(d.verdict == Verdict::allow);
    CHECK_FALSE(d.reason);
    CHECK(d.runs());
  }
}

TEST_CASE("drift is ignored in off mode, reported in detect mode, denied in prevent mode") {
  struct Row {
    Comparison comparison;
    Reason reason;
    Verdict detect, prevent;
  };
  for (const Row& row : {
           Row{Comparison::unknown_to_image, Reason::added, Verdict::alert, Verdict::deny},
           Row{Comparison::differs_from_path, Reason::modified, Verdict::alert, Verdict::deny},
           Row{Comparison::same_as_image_path, Reason::made_executable, Verdict::alert, Verdict::deny},
           Row{Comparison::same_as_other_file, Reason::relocated, Verdict::allow, Verdict::allow},
           Row{Comparison::writer_present, Reason::added, Verdict::alert, Verdict::deny},
       }) {
    const Facts f = facts(row.comparison);
    CHECK(decide(f, policy_in(Mode::off), kNow).verdict == Verdict::allow);
    CHECK(decide(f, policy_in(Mode::detect), kNow).verdict == row.detect);
    const Decision d = decide(f, policy_in(Mode::prevent), kNow);
    CHECK(d.verdict == row.prevent);
    CHECK(d.runs() == (row.prevent != Verdict::deny));
    CHECK(d.reason == row.reason);
    CHECK(d.rule.empty());
  }
  CHECK(decide(facts(Comparison::unknown_to_image, Layer::memfd), policy_in(Mode::prevent), kNow).verdict ==
        Verdict::deny);
  CHECK(decide(facts(Comparison::unknown_to_image, Layer::volume), policy_in(Mode::prevent), kNow).verdict ==
        Verdict::alert);
}

TEST_CASE("a configured verdict replaces the default, but detect mode never denies") {
  for (const Verdict configured : {Verdict::allow, Verdict::alert, Verdict::deny}) {
    Policy p = policy_in(Mode::prevent);
    p.drift.verdicts[static_cast<std::size_t>(Reason::relocated)] = configured;
    CHECK(decide(facts(Comparison::same_as_other_file), p, kNow).verdict == configured);
    p.drift.mode = Mode::detect;
    CHECK(decide(facts(Comparison::same_as_other_file), p, kNow).verdict ==
          (configured == Verdict::deny ? Verdict::alert : configured));
    p.drift.mode = Mode::off;
    CHECK(decide(facts(Comparison::same_as_other_file), p, kNow).verdict == Verdict::allow);
  }
}

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
  const auto hash = parse_sha256(kHash);
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
  const auto hash = parse_sha256(kHash);
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

TEST_CASE("layers have the names of the alerts") {
  CHECK(to_string(Layer::upper) == "upper");
  CHECK(to_string(Layer::image) == "image");
  CHECK(to_string(Layer::volume) == "volume");
  CHECK(to_string(Layer::memfd) == "memfd");
  CHECK(to_string(Layer::tmpfs) == "tmpfs");
}
