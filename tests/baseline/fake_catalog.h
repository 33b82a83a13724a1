#pragma once

#include <cerrno>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/baseline/catalog.h"

/// For tests of the rooms above, which override what they ask for.
namespace holdfast::baseline::fakes {

/// Without a file, and complete unless told otherwise.
class EmptyBaseline : public baseline::Baseline {
 public:
  explicit EmptyBaseline(std::string id, baseline::Kind kind = baseline::Kind::layers,
                         baseline::State state = baseline::State::complete)
      : id_(std::move(id)), kind_(kind), state_(state) {}

  [[nodiscard]] const std::string& id() const override { return id_; }
  [[nodiscard]] baseline::Kind kind() const override { return kind_; }
  [[nodiscard]] baseline::State state() const override { return state_; }
  [[nodiscard]] std::string failure() const override { return {}; }
  [[nodiscard]] std::size_t file_count() const override { return 0; }
  [[nodiscard]] bool is_image_code(const Identity&) const noexcept override { return false; }
  [[nodiscard]] std::optional<kernel::ElfRole> role(const Identity&) const noexcept override { return std::nullopt; }
  void remember_role(const Identity&, kernel::ElfRole) const noexcept override {}
  [[nodiscard]] std::optional<std::string> path_of(const Identity&) const override { return std::nullopt; }
  [[nodiscard]] bool wait_walked(Steady::time_point) const override { return true; }
  [[nodiscard]] Result<std::optional<baseline::ImageFile>> at_path(std::string_view) const override {
    return std::optional<baseline::ImageFile>();
  }
  [[nodiscard]] Result<Sha256> hash(const baseline::ImageFile&, Steady::time_point) const override {
    return Error{ENOENT, "none"};
  }
  [[nodiscard]] bool has_size(std::uint64_t) const noexcept override { return false; }
  [[nodiscard]] Result<std::optional<baseline::ImageFile>> find_content(std::uint64_t, const Sha256&,
                                                                        Steady::time_point) const override {
    return std::optional<baseline::ImageFile>();
  }
  [[nodiscard]] Result<std::vector<baseline::ImageFile>> all_files(Steady::time_point) const override {
    return std::vector<baseline::ImageFile>();
  }

 private:
  const std::string id_;
  const baseline::Kind kind_;
  const baseline::State state_;
};

/// Knows no image, and keeps overrides and pins.
class EmptyCatalog : public baseline::Catalog {
 public:
  [[nodiscard]] Result<std::shared_ptr<baseline::Baseline>> open_image(baseline::Layers) override { return none(); }
  [[nodiscard]] Result<std::shared_ptr<baseline::Baseline>> open_snapshot(int) override { return none(); }
  [[nodiscard]] Result<std::shared_ptr<baseline::Baseline>> find_snapshot(int) override { return none(); }
  void name_image(const std::string&, const std::string&, const std::string&) override {}
  [[nodiscard]] Result<std::vector<baseline::ImageSummary>> list() const override { return none(); }
  [[nodiscard]] Result<std::string> resolve(std::string_view) const override { return none(); }
  [[nodiscard]] Result<std::vector<baseline::ImageFile>> files(const std::string&) const override { return none(); }
  [[nodiscard]] Result<std::vector<baseline::Difference>> verify(const std::string&, bool, const Progress&) override {
    return none();
  }
  [[nodiscard]] Result<std::vector<std::string>> images_with_program(std::uint64_t, const Sha256&,
                                                                     Steady::time_point) const override {
    return std::vector<std::string>();
  }
  [[nodiscard]] Result<std::uint64_t> prune(std::int64_t) override { return none(); }
  [[nodiscard]] Result<std::uint64_t> prune_layered(std::int64_t) override { return none(); }
  void note_alive(Wall::time_point) override {}
  [[nodiscard]] Result<std::optional<Wall::time_point>> last_alive() const override {
    return std::optional<Wall::time_point>();
  }
  [[nodiscard]] Result<std::vector<policy::Override>> overrides() const override { return kept_overrides; }
  [[nodiscard]] Result<void> save_override(const policy::Override& one) override {
    if (refuses_overrides) return Error{ENOSPC, "the disk is full"};
    std::erase_if(kept_overrides, [&](const auto& other) { return other.target == one.target; });
    kept_overrides.push_back(one);
    return {};
  }
  [[nodiscard]] Result<void> remove_override(const policy::Override::Target& target) override {
    if (refuses_overrides) return Error{ENOSPC, "the disk is full"};
    std::erase_if(kept_overrides, [&](const auto& one) { return one.target == target; });
    return {};
  }
  [[nodiscard]] Result<std::vector<policy::Sealed>> sealed(std::size_t) const override {
    const std::lock_guard lock(mutex);
    return kept_sealed;
  }
  [[nodiscard]] Result<void> save_sealed(const policy::Sealed& one) override {
    const std::lock_guard lock(mutex);
    std::erase_if(kept_sealed, [&](const auto& other) { return other.root == one.root; });
    kept_sealed.push_back(one);
    return {};
  }
  [[nodiscard]] Result<void> prune_sealed(std::int64_t) override { return {}; }
  [[nodiscard]] baseline::CatalogCounters counters() const override { return {}; }

  std::vector<policy::Override> kept_overrides;
  mutable std::mutex mutex;  ///< over what a thread of the tested room's own asks for
  std::vector<policy::Sealed> kept_sealed;
  bool refuses_overrides = false;

 private:
  static Error none() { return {ENOSYS, "there is none"}; }
};

}  // namespace holdfast::baseline::fakes
