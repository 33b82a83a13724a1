#include "holdfast/container/container.h"

#include <sys/stat.h>

#include <algorithm>

namespace holdfast::container {

policy::Subject Names::subject() const {
  policy::Subject subject;
  subject.name = name;
  subject.id = id;
  subject.image = image;
  subject.digest = digest;
  subject.runtime = runtime;
  subject.name_space = name_space;
  subject.pod = pod;
  subject.labels = labels;
  return subject;
}

ProhibitedTable::ProhibitedTable(std::vector<Identity> identities) : sorted_(std::move(identities)) {
  std::sort(sorted_.begin(), sorted_.end());
}

bool ProhibitedTable::contains(const Identity& identity) const noexcept {
  return std::binary_search(sorted_.begin(), sorted_.end(), identity);
}

Container::Container(dev_t device, RootKey key, RootKind kind, std::shared_ptr<baseline::Baseline> baseline,
                     std::string upper_directory, std::string root_mount_point)
    : device_(device),
      key_(key),
      kind_(kind),
      baseline_(std::move(baseline)),
      upper_directory_(std::move(upper_directory)),
      root_mount_point_(std::move(root_mount_point)),
      names_(std::make_shared<const Names>()) {}

std::shared_ptr<const Names> Container::names() const {
  const std::lock_guard lock(mutex_);
  return names_;
}

void Container::set_names(Names names) {
  auto shared = std::make_shared<const Names>(std::move(names));
  const std::lock_guard lock(mutex_);
  names_ = std::move(shared);
  named_.store(true, std::memory_order_release);
}

std::shared_ptr<const policy::Policy> Container::policy() const {
  const std::lock_guard lock(mutex_);
  return policy_;
}

std::shared_ptr<const policy::Policy> Container::own_policy() const {
  const std::lock_guard lock(mutex_);
  return own_policy_;
}

std::shared_ptr<const policy::Override> Container::overriding() const {
  const std::lock_guard lock(mutex_);
  return overriding_;
}

void Container::set_policy(std::shared_ptr<const policy::Policy> own,
                           std::shared_ptr<const policy::Override> overriding) {
  const auto mode_of = [](const auto& one) { return one ? std::optional(one->mode) : std::nullopt; };
  const std::lock_guard lock(mutex_);
  const bool same = own == own_policy_ && mode_of(overriding) == mode_of(overriding_);
  own_policy_ = std::move(own);
  overriding_ = std::move(overriding);
  if (same) return;
  policy_ = overriding_ ? std::make_shared<const policy::Policy>(policy::with_mode(*own_policy_, overriding_->mode))
                        : own_policy_;
  const bool prohibits = !policy_->denies.empty();
  prohibited_ = nullptr;
  // Not ready before there is something to be ready for: a reader in between takes the slow path, never a wrong one.
  prohibitions_ready_.store(!prohibits, std::memory_order_release);
  has_prohibitions_.store(prohibits, std::memory_order_release);
  mode_.store(policy_->drift.mode, std::memory_order_release);
}

std::shared_ptr<const ProhibitedTable> Container::prohibited() const {
  const std::lock_guard lock(mutex_);
  return prohibited_;
}

void Container::set_prohibited(std::shared_ptr<const ProhibitedTable> table, const policy::Policy* computed_for) {
  const std::lock_guard lock(mutex_);
  if (computed_for != nullptr && computed_for != policy_.get()) return;
  prohibited_ = std::move(table);
  prohibitions_ready_.store(true, std::memory_order_release);
}

std::shared_ptr<const std::vector<Container::GivenMount>> Container::given_mounts() const {
  const std::lock_guard lock(mutex_);
  return given_mounts_;
}

void Container::set_given_mounts(std::vector<GivenMount> mounts) {
  auto shared = std::make_shared<const std::vector<GivenMount>>(std::move(mounts));
  const std::lock_guard lock(mutex_);
  given_mounts_ = std::move(shared);
}

void Container::forget_given_mounts() {
  const std::lock_guard lock(mutex_);
  given_mounts_ = nullptr;
}

void Container::set_pid_namespace(UniqueFd space) {
  struct stat st {};
  if (!space || ::fstat(space.get(), &st) != 0) return;
  const std::lock_guard lock(mutex_);
  pid_namespace_.store(st.st_ino);
  pid_namespace_held_ = std::move(space);
}

void Container::add_exposure(Exposure exposure) {
  const std::lock_guard lock(mutex_);
  exposures_.push_back(std::move(exposure));
}

bool Container::begin_exposure(const std::string& why) {
  const std::lock_guard lock(mutex_);
  const bool known = std::any_of(exposures_.begin(), exposures_.end(),
                                 [&](const auto& one) { return one.goes_on() && one.why == why; });
  if (!known) exposures_.push_back({Wall::now(), {}, why});
  return !known;
}

void Container::end_exposure(const std::string& why) {
  const std::lock_guard lock(mutex_);
  for (auto& exposure : exposures_) {
    if (exposure.goes_on() && exposure.why == why) exposure.until = Wall::now();
  }
}

std::vector<Container::Exposure> Container::exposures() const {
  const std::lock_guard lock(mutex_);
  return exposures_;
}

}  // namespace holdfast::container
