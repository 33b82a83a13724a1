#include "describe.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/policy/policy.h"

namespace holdfast::daemon {
namespace {

namespace json = boost::json;

json::value baseline_kind(const baseline::Baseline& baseline) {
  return baseline.kind() == baseline::Kind::layers ? "layers" : "snapshot";
}

bool has_failed(const container::Container& container) {
  return container.baseline() == nullptr || container.baseline()->state() == baseline::State::failed;
}

bool is_mediated(const container::Container& container) {
  if (container.mode() == policy::Mode::off || has_failed(container)) return false;
  for (const auto& exposure : container.exposures()) {
    if (exposure.goes_on()) return false;
  }
  return true;
}

json::value describe_baseline(const container::Container& container) {
  const auto& baseline = container.baseline();
  if (baseline == nullptr) return nullptr;
  const std::string_view state = to_string(baseline->state());
  return json::object{{"id", baseline->id()},
                      {"kind", baseline_kind(*baseline)},
                      {"state", view(state)},
                      {"files", baseline->file_count()},
                      {"failure", describe(baseline->failure())}};
}

}  // namespace

json::value describe(const std::string& text) {
  if (text.empty()) return nullptr;
  return json::string(printable(text));
}

json::array describe(const std::vector<std::string>& texts) {
  json::array out;
  for (const auto& text : texts) out.emplace_back(json::string(printable(text)));
  return out;
}

json::value describe(const std::optional<Sha256>& digest) {
  if (!digest) return nullptr;
  return json::string(to_hex(*digest));
}

std::string describe_mode(mode_t mode) { return fmt::format("{:04o}", mode & 07777U); }

json::object identify(const container::Container& container) {
  const auto names = container.names();
  if (names == nullptr) return {{"id", nullptr}, {"name", nullptr}, {"image", nullptr}};
  return {{"id", describe(names->id)}, {"name", describe(names->name)}, {"image", describe(names->image)}};
}

json::object describe_override(const policy::Override& one, const policy::OverrideClock& now) {
  const auto left = std::max(policy::time_left(one, now), std::chrono::seconds{0});
  return {{"mode", describe(std::string(to_string(one.mode)))},
          {"from", rfc3339(one.began)},
          {"until", rfc3339(one.until)},
          {"seconds_left", left.count()},
          {"reason", describe(one.reason)},
          {"uid", one.uid},
          {"pid", one.pid},
          {"login_uid", one.login_uid ? json::value(*one.login_uid) : json::value(nullptr)}};
}

json::object describe(const container::Container& container, const policy::OverrideClock& now) {
  json::object out = identify(container);
  if (const auto names = container.names()) {
    out["image_digest"] = describe(names->digest);
    out["runtime"] = describe(names->runtime);
    out["namespace"] = describe(names->name_space);
    out["pod"] = describe(names->pod);
  }
  const std::string_view mode = to_string(container.mode());
  out["mode"] = view(mode);
  const auto policy = container.own_policy();
  out["policy"] = policy != nullptr ? describe(policy->name) : nullptr;
  const auto overriding = container.overriding();
  out["override"] = overriding ? json::value(describe_override(*overriding, now)) : json::value(nullptr);
  out["policy_mode"] = policy != nullptr ? describe(std::string(to_string(policy->drift.mode))) : nullptr;
  out["root"] = container.kind() == container::RootKind::overlay ? "overlay" : "snapshot";
  out["baseline"] = describe_baseline(container);
  out["drift_count"] = container.drift_count.load();
  out["exec_count"] = container.exec_count.load();
  out["first_pid"] = container.first_pid() > 0 ? json::value(container.first_pid()) : json::value(nullptr);
  out["seen_at"] = rfc3339(container.seen_at());
  out["mediated"] = is_mediated(container);
  out["exposures"] = describe_exposures(container);
  return out;
}

json::object identify(const container::Unprotected& container) {
  return {{"id", describe(container.id)}, {"name", nullptr}, {"image", nullptr}};
}

json::object describe(const container::Unprotected& container) {
  json::object out = identify(container);
  for (const char* unknown :
       {"image_digest", "runtime", "namespace", "pod", "mode", "policy", "override", "policy_mode"}) {
    out[unknown] = nullptr;
  }
  out["root"] = "unsupported";
  out["baseline"] = nullptr;
  out["drift_count"] = 0;
  out["exec_count"] = 0;
  out["first_pid"] = container.pid;
  out["seen_at"] = rfc3339(container.since);
  out["mediated"] = false;
  out["exposures"] = describe_exposures(container);
  return out;
}

json::array describe_exposures(const container::Unprotected& container) {
  return {json::object{{"from", rfc3339(container.since)}, {"why", printable(container.why)}}};
}

json::array describe_exposures(const container::Container& container) {
  json::array out;
  for (const auto& exposure : container.exposures()) {
    json::object span{{"from", rfc3339(exposure.from)}, {"why", printable(exposure.why)}};
    if (!exposure.goes_on()) span["until"] = rfc3339(exposure.until);
    out.push_back(std::move(span));
  }
  if (has_failed(container)) {
    const std::string failure = container.baseline() != nullptr ? container.baseline()->failure() : "";
    out.push_back(json::object{{"from", rfc3339(container.seen_at())},
                               {"why", printable(fmt::format("its image has no baseline: {}", failure))}});
  }
  return out;
}

}  // namespace holdfast::daemon
