#include "holdfast/policy/settings.h"

#include "target.h"

using namespace holdfast;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = policy::parse_settings(fuzz::text_of(data, size), "holdfast.conf");
  if (!parsed) {
    const std::string& message = parsed.error().message;
    fuzz::require(message.starts_with("holdfast.conf:") && message.size() < 2000);
    fuzz::require(message.find('\n') == std::string::npos && message.find('\x1b') == std::string::npos);
    return 0;
  }
  fuzz::require(parsed->deadline.count() >= 1 && parsed->deadline.count() <= 60'000);
  fuzz::require(!parsed->alerts.empty() && parsed->hash_threads <= 256);
  fuzz::require(parsed->on_deadline != policy::Verdict::alert);
  for (const std::string* path : {&parsed->state_directory, &parsed->runtime_directory, &parsed->policy_directory}) {
    fuzz::require(path->starts_with('/') && path->find("/../") == std::string::npos);
  }
  return 0;
}
