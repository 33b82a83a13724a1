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
      fuzz::require(!rule.name.empty() && (!rule.paths.empty() || rule.needs_hash()));
      fuzz::require(!rule.fits("", std::nullopt));
    }
  }
  for (const policy::Reason reason : policy::kReasons) {
    const bool denies = parsed->drift.verdict_for(reason) == policy::Verdict::deny;
    fuzz::require(!denies || parsed->drift.mode == policy::Mode::prevent);
  }
  policy::Subject subject;
  subject.image = "docker.io/library/nginx:1.27";
  subject.labels = {{"tier", "front"}};
  static_cast<void>(parsed->match.fits(subject));
  return 0;
}
