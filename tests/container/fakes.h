#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "holdfast/container/discovery.h"

#include "../baseline/fake_catalog.h"

namespace holdfast::container::fakes {

/// A baseline with two files, complete from the start or after some turns.
class Baseline final : public baseline::fakes::EmptyBaseline {
 public:
  using EmptyBaseline::EmptyBaseline;
  [[nodiscard]] std::size_t file_count() const override { return 2; }
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
};

class Catalog final : public baseline::fakes::EmptyCatalog {
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
    const std::lock_guard lock(mutex);
    roots.push_back({st.st_dev, container.mode(), container.provisional(), known.get() == &container});
    if (refuse) return Error{EPERM, "refused"};
    return {};
  }
  Result<void> mark_mount(int fd, const Container&) override {
    struct statx st {};
    if (::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) != 0) return errno_error("statx");
    const std::lock_guard lock(mutex);
    mounts.push_back(st.stx_mnt_id);
    return {};
  }
  Result<void> mark_directory(int directory, const Container&) override {
    struct stat st {};
    if (::fstat(directory, &st) != 0) return errno_error("fstat");
    directories.push_back(st.st_ino);
    return {};
  }

  std::mutex mutex;  ///< of what follows: mounts are followed by a thread of their own
  std::vector<Mark> roots;
  std::vector<std::uint64_t> mounts;
  std::vector<ino_t> directories;
  bool refuse = false;

 private:
  Registry& registry_;
};

}  // namespace holdfast::container::fakes
