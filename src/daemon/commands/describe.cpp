#include "describe.h"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/policy/policy.h"

namespace holdfast::daemon {
namespace {

namespace json = boost::json;

/// A span whose end has not come is given without one.
bool is_open(const container::Container::Exposure& exposure) {
  return exposure.until == Wall::time_point{} || exposure.until == Wall::time_point::max();
}

json::value baseline_kind(const baseline::Baseline& baseline) {
  return baseline.kind() == baseline::Kind::layers ? "layers" : "snapshot";
}

bool has_failed(const container::Container& container) {
  return container.baseline() == nullptr || container.baseline()->state() == baseline::State::failed;
}

bool is_mediated(const container::Container& container) {
  if (container.mode() == policy::Mode::off || has_failed(container)) return false;
  for (const auto& exposure : container.exposures()) {
    if (is_open(exposure)) return false;
  }
  return true;
}

json::value describe_baseline(const container::Container& container) {
  const auto& baseline = container.baseline();
  if (baseline == nullptr) return nullptr;
  const std::string_view state = to_string(baseline->state());
  return json::object{{"id", baseline->id()},
                      {"kind", baseline_kind(*baseline)},
                      {"state", json::string_view(state.data(), state.size())},
                      {"files", baseline->file_count()},
                      {"failure", describe(baseline->failure())}};
}

}  // namespace

json::value describe(const std::string& text) {
  if (text.empty()) return nullptr;
  return json::string(printable(text));
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

json::object describe(const container::Container& container) {
  json::object out = identify(container);
  if (const auto names = container.names()) {
    out["image_digest"] = describe(names->digest);
    out["runtime"] = describe(names->runtime);
    out["namespace"] = describe(names->name_space);
    out["pod"] = describe(names->pod);
  }
  const std::string_view mode = to_string(container.mode());
  out["mode"] = json::string_view(mode.data(), mode.size());
  const auto policy = container.policy();
  out["policy"] = policy != nullptr ? describe(policy->name) : nullptr;
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

json::array describe_exposures(const container::Container& container) {
  json::array out;
  for (const auto& exposure : container.exposures()) {
    json::object span{{"from", rfc3339(exposure.from)}, {"why", printable(exposure.why)}};
    if (!is_open(exposure)) span["until"] = rfc3339(exposure.until);
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
