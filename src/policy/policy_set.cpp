#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/policy/load.h"

#include "read_file.h"

namespace holdfast::policy {
namespace {

constexpr std::size_t kMaxPolicies = 4096;
constexpr std::string_view kExtension = ".policy";

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

bool is_policy_name(std::string_view name) {
  return name.size() > kExtension.size() && name.front() != '.' && name.ends_with(kExtension);
}

/// The *.policy names of a directory, in lexical order.
Result<std::vector<std::string>> policy_names(int directory, const std::string& shown) {
  UniqueFd own(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!own) return errno_error(printable(shown));
  const std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(own.get()));
  if (!stream) return errno_error(printable(shown));
  static_cast<void>(own.release());  // the stream closes it
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* const entry = ::readdir(stream.get());
    if (entry == nullptr && errno != 0) return errno_error(printable(shown));
    if (entry == nullptr) break;
    if (is_policy_name(entry->d_name)) names.emplace_back(entry->d_name);
    if (names.size() > kMaxPolicies) {
      return Error{E2BIG,
                   fmt::format("{}: too many policies; at most {} would be right", printable(shown), kMaxPolicies)};
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

PolicySet::PolicySet(std::vector<Policy> policies, Drift defaults) {
  policies_.reserve(policies.size() + 1);
  for (Policy& policy : policies) policies_.push_back(std::make_shared<const Policy>(std::move(policy)));
  Policy last;
  last.name = "default";
  last.drift = defaults;
  policies_.push_back(std::make_shared<const Policy>(std::move(last)));
}

Result<PolicySet> PolicySet::load(const std::string& directory, const Drift& defaults) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return PolicySet({}, defaults);
  if (!fd) return errno_error(printable(directory));
  if (auto trusted = require_administrator(fd.get(), directory); !trusted) return trusted.error();
  const auto names = policy_names(fd.get(), directory);
  if (!names) return names.error();
  std::vector<Policy> policies;
  for (const std::string& name : *names) {
    const std::string file = fmt::format("{}/{}", directory, name);
    const auto text = read_file(fd.get(), name, file, Trust::administrator);
    if (!text) return text.error();
    auto policy = parse_policy(*text, file);
    if (!policy) return policy.error();
    policies.push_back(std::move(policy).value());
  }
  return PolicySet(std::move(policies), defaults);
}

std::shared_ptr<const Policy> PolicySet::find(const Subject& subject) const {
  const auto fits = std::find_if(policies_.begin(), policies_.end() - 1,
                                 [&](const auto& policy) { return policy->match.fits(subject); });
  return *fits;
}

std::shared_ptr<const Policy> PolicySet::find_but_for_labels(const Subject& subject) const {
  for (const auto& policy : policies_) {
    if (policy->match.fits(subject)) break;
    if (!policy->match.labels.empty() && policy->match.fits_but_for_labels(subject)) return policy;
  }
  return nullptr;
}

bool PolicySet::any_prevents() const {
  return std::any_of(policies_.begin(), policies_.end(),
                     [](const auto& policy) { return policy->drift.mode == Mode::prevent; });
}

}  // namespace holdfast::policy
