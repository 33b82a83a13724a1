#include "holdfast/base/text.h"
#include "holdfast/policy/load.h"

#include "target.h"

using namespace holdfast;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = policy::parse_policy(fuzz::text_of(data, size), "dir/x.policy");
  if (!parsed) {
    const std::string& message = parsed.error().message;
    fuzz::require(message.starts_with("dir/x.policy:") && message.size() < 2000);
    fuzz::require(message.find('\n') == std::string::npos && message.find('\x1b') == std::string::npos);
    return 0;
  }
  fuzz::require(parsed->name == "x.policy");
  for (const auto* rules : {&parsed->allows, &parsed->denies}) {
    for (const policy::Rule& rule : *rules) {
      fuzz::require(!rule.name.empty() && rule.asks());
      fuzz::require(!rule.fits({}));
    }
  }
  for (const policy::VolumeRule& rule : parsed->volumes) {
    const bool asks =
        !rule.destinations.empty() || !rule.sources.empty() || !rule.types.empty() || rule.read_only.has_value();
    fuzz::require(!rule.name.empty() && asks);
    fuzz::require(rule.verdict != policy::Verdict::deny || parsed->drift.mode == policy::Mode::prevent);
    const policy::VolumeSubject writable{"/data", "/srv/data", "ext4", true},
        read_only{"/data", "/srv/data", "ext4", false};
    fuzz::require(!rule.read_only || !rule.fits(*rule.read_only ? writable : read_only));
  }
  fuzz::require(parsed->drift.evidence == 0 || parsed->drift.mode == policy::Mode::prevent);
  const auto action = parsed->drift.action;
  fuzz::require(action == policy::Drift::Action::none || parsed->drift.mode == policy::Mode::prevent);
  for (const policy::Reason reason : policy::kReasons) {
    const bool denies = parsed->drift.verdict_for(reason) == policy::Verdict::deny;
    fuzz::require(!denies || parsed->drift.mode == policy::Mode::prevent);
  }
  if (parsed->seal) {
    fuzz::require(parsed->seal->window.count() >= 1000 && parsed->seal->window.count() <= 3600 * 1000);
    fuzz::require(parsed->seal->until.empty() || parsed->seal->until.starts_with('/'));
  }
  policy::Subject subject;
  subject.image = "docker.io/library/nginx:1.27";
  subject.labels = {{"tier", "front"}};
  static_cast<void>(parsed->match.fits(subject));
  return 0;
}
