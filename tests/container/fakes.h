#pragma once

#include <sys/stat.h>

#include <mutex>
#include <string>
#include <vector>

#include "holdfast/baseline/catalog.h"
#include "holdfast/container/discovery.h"

namespace holdfast::container::fakes {

/// A baseline with one file, complete from the start or once told.
class Baseline final : public baseline::Baseline {
 public:
  Baseline(std::string id, baseline::Kind kind) : id_(std::move(id)), kind_(kind) {}

  [[nodiscard]] const std::string& id() const override { return id_; }
  [[nodiscard]] baseline::Kind kind() const override { return kind_; }
  [[nodiscard]] baseline::State state() const override { return baseline::State::complete; }
  [[nodiscard]] std::string failure() const override { return {}; }
  [[nodiscard]] std::size_t file_count() const override { return 1; }
  [[nodiscard]] bool is_image_code(const Identity&) const noexcept override { return false; }
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
    if (unfinished_turns > 0) {
      --unfinished_turns;
      return Error{ETIMEDOUT, "not complete"};
    }
    baseline::ImageFile nc;
    nc.path = "/usr/bin/nc";
    nc.identity = {42, 7, 1, 2};
    baseline::ImageFile sh;
    sh.path = "/bin/sh";
    sh.identity = {43, 7, 1, 2};
    return std::vector<baseline::ImageFile>{nc, sh};
  }

  mutable std::atomic<int> unfinished_turns{0};

 private:
  const std::string id_;
  const baseline::Kind kind_;
};

class Catalog final : public baseline::Catalog {
 public:
  [[nodiscard]] Result<std::shared_ptr<baseline::Baseline>> open_image(baseline::Layers layers) override {
    opened.push_back(std::move(layers));
    auto made = std::make_shared<Baseline>("image", baseline::Kind::layers);
    made->unfinished_turns = unfinished_turns;
    return std::shared_ptr<baseline::Baseline>(made);
  }
  [[nodiscard]] Result<std::shared_ptr<baseline::Baseline>> open_snapshot(int) override {
    ++snapshots;
    return std::shared_ptr<baseline::Baseline>(std::make_shared<Baseline>("snapshot", baseline::Kind::snapshot));
  }
  [[nodiscard]] Result<std::shared_ptr<baseline::Baseline>> find_snapshot(int root) override {
    return knows_snapshot ? open_snapshot(root)
                          : Result<std::shared_ptr<baseline::Baseline>>(std::shared_ptr<baseline::Baseline>());
  }
  bool knows_snapshot = false;
  void name_image(const std::string&, const std::string& reference, const std::string&) override {
    const std::lock_guard lock(mutex);
    references.push_back(reference);
  }
  [[nodiscard]] Result<std::vector<baseline::ImageSummary>> list() const override { return Error{ENOSYS, ""}; }
  [[nodiscard]] Result<std::string> resolve(std::string_view) const override { return Error{ENOSYS, ""}; }
  [[nodiscard]] Result<std::vector<baseline::ImageFile>> files(const std::string&) const override {
    return Error{ENOSYS, ""};
  }
  [[nodiscard]] Result<std::vector<baseline::Difference>> verify(const std::string&, bool, const Progress&) override {
    return Error{ENOSYS, ""};
  }
  [[nodiscard]] Result<std::uint64_t> prune(std::int64_t) override { return Error{ENOSYS, ""}; }
  [[nodiscard]] baseline::CatalogCounters counters() const override { return {}; }

  std::vector<baseline::Layers> opened;
  int snapshots = 0;
  int unfinished_turns = 0;
  std::mutex mutex;
  std::vector<std::string> references;
};

class Marker final : public container::Marker {
 public:
  struct Mark {
    dev_t device = 0;
    policy::Mode mode = policy::Mode::off;
    bool provisional = false, registered = false;
  };
  explicit Marker(Registry& registry) : registry_(registry) {}

  Result<void> mark_root(int root, const Container& container) override {
    struct stat st {};
    if (::fstat(root, &st) != 0) return errno_error("fstat");
    const auto known = registry_.find(container.device());
    roots.push_back({st.st_dev, container.mode(), container.provisional(), known.get() == &container});
    if (refuse) return Error{EPERM, "refused"};
    return {};
  }
  Result<void> mark_directory(int directory, const Container&) override {
    struct stat st {};
    if (::fstat(directory, &st) != 0) return errno_error("fstat");
    directories.push_back(st.st_ino);
    return {};
  }

  std::vector<Mark> roots;
  std::vector<ino_t> directories;
  bool refuse = false;

 private:
  Registry& registry_;
};

}  // namespace holdfast::container::fakes
