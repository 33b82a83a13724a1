#include "holdfast/verdict/decide.h"

#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "facts_fixture.h"
#include "fixture.h"

using namespace holdfast;
using namespace holdfast::verdict;
using policy::Mode;
using policy::Policy;
using policy::Reason;
using policy::Verdict;
using policy::VolumeRule;
using test::facts;
using test::kHashOfNothing;
using test::kNow;
using test::policy_in;
using test::rule;

namespace {

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
    CHECK(classify(facts(comparison, Layer::other)) == Reason::added);
  }
}

TEST_CASE("an executed loader is drift of its own unless its content drifted worse") {
  struct Row {
    Comparison comparison;
    Layer layer;
    bool image_path_executable;
    Reason reason;
  };
  for (const Row& row : {
           Row{Comparison::image_identity, Layer::image, true, Reason::loader},
           Row{Comparison::same_as_image_path, Layer::upper, true, Reason::loader},
           Row{Comparison::same_as_image_path, Layer::upper, false, Reason::loader},
           Row{Comparison::same_as_other_file, Layer::upper, true, Reason::loader},
           Row{Comparison::differs_from_path, Layer::upper, true, Reason::modified},
           Row{Comparison::unknown_to_image, Layer::upper, true, Reason::added},
           Row{Comparison::writer_present, Layer::upper, true, Reason::added},
           Row{Comparison::image_identity, Layer::volume, true, Reason::volume},
           Row{Comparison::image_identity, Layer::tmpfs, true, Reason::added},
           Row{Comparison::image_identity, Layer::other, true, Reason::added},
           Row{Comparison::unknown_to_image, Layer::memfd, true, Reason::fileless},
       }) {
    Facts f = facts(row.comparison, row.layer);
    f.image_path_executable = row.image_path_executable;
    f.loader = true;
    CHECK(classify(f) == row.reason);
    f.prohibited = true;
    CHECK(classify(f) == Reason::prohibited);
  }
}

TEST_CASE("an opened library is the image's by content on the root file system, and drift anywhere else") {
  for (const Layer layer : {Layer::upper, Layer::image, Layer::volume, Layer::tmpfs, Layer::other}) {
    for (const Comparison comparison :
         {Comparison::image_identity, Comparison::same_as_image_path, Comparison::same_as_other_file,
          Comparison::differs_from_path, Comparison::unknown_to_image, Comparison::writer_present}) {
      Facts f = facts(comparison, layer);
      f.library = true;
      const bool root = layer == Layer::upper || layer == Layer::image;
      const bool same = comparison == Comparison::image_identity || comparison == Comparison::same_as_image_path;
      CHECK(classify(f) == (root && same ? std::nullopt : std::optional(Reason::library)));
      f.loader = true;  // a loader that is only opened is what every dynamic program does
      CHECK(classify(f) == (root && same ? std::nullopt : std::optional(Reason::library)));
      f.prohibited = true;
      CHECK(classify(f) == Reason::prohibited);
    }
  }
  Facts f = facts(Comparison::unknown_to_image, Layer::memfd);
  f.library = true;
  CHECK(classify(f) == Reason::fileless);
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

TEST_CASE("fileless, loader and library follow mode and policy as the other reasons do") {
  struct Row {
    std::string_view what;
    Layer layer;
    bool loader, library;
    Reason reason;
    Verdict detect, prevent;
  };
  for (const Row& row : {
           Row{"memfd", Layer::memfd, false, false, Reason::fileless, Verdict::alert, Verdict::deny},
           Row{"loader", Layer::image, true, false, Reason::loader, Verdict::alert, Verdict::deny},
           Row{"library", Layer::upper, false, true, Reason::library, Verdict::allow, Verdict::allow},
           Row{"elsewhere", Layer::other, false, false, Reason::added, Verdict::alert, Verdict::deny},
       }) {
    CAPTURE(row.what);
    Facts f = facts(row.loader ? Comparison::image_identity : Comparison::unknown_to_image, row.layer);
    f.loader = row.loader;
    f.library = row.library;
    CHECK(decide(f, policy_in(Mode::off), kNow).verdict == Verdict::allow);
    CHECK(decide(f, policy_in(Mode::detect), kNow).verdict == row.detect);
    Policy p = policy_in(Mode::prevent);
    CHECK(decide(f, p, kNow).verdict == row.prevent);
    CHECK(decide(f, p, kNow).reason == row.reason);
    for (const Verdict configured : {Verdict::allow, Verdict::alert, Verdict::deny}) {
      p.drift.verdicts[static_cast<std::size_t>(row.reason)] = configured;
      CHECK(decide(f, p, kNow).verdict == configured);
    }
    p.allows = {rule("tmp", {"/tmp/*"})};
    CHECK(decide(f, p, kNow).verdict == Verdict::allow);
    CHECK(decide(f, p, kNow).rule == "tmp");
    f.path.clear();
    CHECK(decide(f, p, kNow).verdict == Verdict::deny);
    const auto hash = parse_sha256(kHashOfNothing);
    REQUIRE(hash);
    p.allows = {rule("known", {}, {*hash})};
    f.sha256 = hash;
    CHECK(decide(f, p, kNow).rule == "known");
    CHECK(decide(f, p, kNow).runs());
  }
}

TEST_CASE("a volume's verdict is that of the first section that fits, then Volume=, then the mount's") {
  const auto section = [](std::string name, std::string destination, Verdict verdict) {
    VolumeRule r;
    r.name = std::move(name);
    r.destinations = {std::move(destination)};
    r.verdict = verdict;
    return r;
  };
  const std::vector<VolumeRule> sections = {section("data", "/data", Verdict::deny),
                                            section("late", "/data", Verdict::allow),
                                            section("quiet", "/quiet", Verdict::allow)};
  const VolumeFacts writable{"/data", "/srv/data", "ext4", true}, read_only{"/data", "/srv/data", "ext4", false};
  const VolumeFacts other{"/other", "/srv/other", "ext4", true}, quiet{"/quiet", "/srv/quiet", "ext4", true};
  struct Row {
    std::optional<VolumeFacts> volume;
    bool with_sections;
    std::optional<Verdict> configured;
    Verdict detect, prevent;
    std::string rule;
  };
  for (const Row& row : std::vector<Row>{
           {writable, false, {}, Verdict::alert, Verdict::alert, ""},
           {read_only, false, {}, Verdict::allow, Verdict::allow, ""},
           {std::nullopt, false, {}, Verdict::alert, Verdict::alert, ""},
           {writable, false, Verdict::deny, Verdict::alert, Verdict::deny, ""},
           {read_only, false, Verdict::deny, Verdict::alert, Verdict::deny, ""},
           {std::nullopt, false, Verdict::deny, Verdict::alert, Verdict::deny, ""},
           {writable, false, Verdict::allow, Verdict::allow, Verdict::allow, ""},
           {read_only, false, Verdict::alert, Verdict::alert, Verdict::alert, ""},
           {writable, true, {}, Verdict::alert, Verdict::deny, "data"},
           {read_only, true, Verdict::allow, Verdict::alert, Verdict::deny, "data"},
           {other, true, {}, Verdict::alert, Verdict::alert, ""},
           {other, true, Verdict::deny, Verdict::alert, Verdict::deny, ""},
           {quiet, true, Verdict::deny, Verdict::allow, Verdict::allow, "quiet"},
           {std::nullopt, true, Verdict::deny, Verdict::alert, Verdict::deny, ""},
       }) {
    Facts f = facts(Comparison::unknown_to_image, Layer::volume);
    f.volume = row.volume;
    for (const Mode mode : {Mode::off, Mode::detect, Mode::prevent}) {
      Policy p = policy_in(mode);
      if (row.with_sections) p.volumes = sections;
      p.drift.verdicts[static_cast<std::size_t>(Reason::volume)] = row.configured;
      const Decision d = decide(f, p, kNow);
      CHECK(d.reason == Reason::volume);
      CHECK(d.verdict == (mode == Mode::off ? Verdict::allow : mode == Mode::detect ? row.detect : row.prevent));
      CHECK(d.rule == (mode == Mode::off ? "" : row.rule));
    }
  }
}

TEST_CASE("exceptions and prohibitions come before volume sections, which libraries do not ask") {
  Policy p = policy_in(Mode::prevent);
  VolumeRule all;
  all.name = "all";
  all.destinations = {"/**"};
  all.verdict = Verdict::deny;
  p.volumes = {all};
  Facts f = facts(Comparison::unknown_to_image, Layer::volume);
  f.volume = VolumeFacts{"/tmp", "/srv", "ext4", true};
  CHECK(decide(f, p, kNow).rule == "all");
  p.allows = {rule("mine", {"/tmp/*"})};
  CHECK(decide(f, p, kNow).verdict == Verdict::allow);
  CHECK(decide(f, p, kNow).rule == "mine");
  p.volumes[0].verdict = Verdict::allow;
  p.denies = {rule("never", {"/tmp/*"})};
  CHECK(decide(f, p, kNow).verdict == Verdict::deny);
  CHECK(decide(f, p, kNow).reason == Reason::prohibited);
  p = policy_in(Mode::prevent);
  p.volumes = {all};
  f.library = true;
  CHECK(decide(f, p, kNow).reason == Reason::library);
  CHECK(decide(f, p, kNow).verdict == Verdict::allow);
  f.library = false;
  f.layer = Layer::upper;  // the layer says what it is, not a mount left in the facts
  CHECK(decide(f, p, kNow).reason == Reason::added);
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

TEST_CASE("layers have the names of the alerts") {
  CHECK(to_string(Layer::upper) == "upper");
  CHECK(to_string(Layer::image) == "image");
  CHECK(to_string(Layer::volume) == "volume");
  CHECK(to_string(Layer::memfd) == "memfd");
  CHECK(to_string(Layer::tmpfs) == "tmpfs");
  CHECK(to_string(Layer::other).empty());
}
