#include "holdfast/verdict/explain.h"

#include <doctest/doctest.h>

#include "holdfast/policy/load.h"

#include "fixture.h"

using namespace holdfast;
using namespace holdfast::verdict;
using test::kHash;
using test::kNow;
using test::kPrevent;

namespace {

std::string explained(const Facts& facts, const std::string& text) {
  auto policy = policy::parse_policy(text, "x.policy");
  if (!policy) FAIL(policy.error().message);
  std::string all;
  for (const auto& step : explain(facts, *policy, kNow)) all += step + "\n";
  return all;
}

Facts added() {
  Facts facts;
  facts.path = "/tmp/x";
  facts.sha256 = parse_sha256(kHash);
  return facts;
}

}  // namespace

TEST_CASE("each way from facts to a decision is told") {
  CHECK(explained(added(), kPrevent) ==
        "all this amounts to `added`\nthe policy has no exceptions\nthe default of its mode for `added`: deny\n");
  CHECK(explained(added(), "[Drift]\nMode=detect\nAdded=alert\n") ==
        "all this amounts to `added`\nthe policy has no exceptions\nthe policy's own word for `added`: alert\n"
        "mode detect stops nothing: it runs, and is reported\n");
  CHECK(explained(added(), "[Drift]\nMode=off\n") == "all this amounts to `added`\nin mode off nothing is decided\n");
  CHECK(explained(added(), kPrevent + "[Allow x]\nPath=/tmp/*\nReason=ticket\n") ==
        "all this amounts to `added`\n[Allow x] lets it run: ticket\n");
  CHECK(explained(added(), kPrevent + "[Deny x]\nPath=/tmp/*\nReason=no\n")
            .find("[Deny x] prohibits it, whatever it is: no\n") != std::string::npos);
  Facts image = added();
  image.comparison = Comparison::image_identity;
  CHECK(explained(image, kPrevent) == "all this amounts to the image's own code\n");
}

TEST_CASE("exceptions that nearly fitted are told, with what they lack") {
  const auto ended = explained(added(), kPrevent + "[Allow old]\nPath=/tmp/x\nUntil=2001-01-01\n");
  CHECK(ended.find("[Allow old] would let it run, but ended on 2001-01-01") != std::string::npos);
  Facts written = added();
  written.comparison = Comparison::writer_present;
  const auto by_hash =
      explained(written, kPrevent + "[Allow hash]\nSha256=" + kHash + "\n[Allow other]\nPath=/opt/x\n");
  CHECK(by_hash.find("[Allow hash] would let it run, but goes by content") != std::string::npos);
  CHECK(by_hash.find("none of the policy's exceptions fits (2)") != std::string::npos);
  CHECK(by_hash.find("[Allow other]") == std::string::npos);
}

TEST_CASE("a volume is told with the section or the mount that decides") {
  Facts volume = added();
  volume.layer = Layer::volume;
  volume.volume = VolumeFacts{"/data", "/srv", "ext4", false};
  CHECK(explained(volume, kPrevent).find("that the container cannot write: allow") != std::string::npos);
  volume.volume->writable = true;
  CHECK(explained(volume, kPrevent).find("that the container can write: alert") != std::string::npos);
  CHECK(explained(volume, kPrevent + "[Volume d]\nPath=/data\nVerdict=deny\n").find("[Volume d] is the first") !=
        std::string::npos);
  volume.volume.reset();
  CHECK(explained(volume, kPrevent).find("was not found: alert") != std::string::npos);
}
