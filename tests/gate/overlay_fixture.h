#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include "holdfast/base/unique_fd.h"
#include "holdfast/baseline/baseline.h"
#include "holdfast/baseline/hash.h"
#include "holdfast/container/container.h"

namespace holdfast::test {

inline std::string content_of(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

/// A real overlay in a mount namespace of the test's own; gone with the object.
class Overlay {
 public:
  Overlay() {
    static const bool alone =
        ::unshare(CLONE_NEWNS) == 0 && ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!alone) throw std::runtime_error("no mount namespace: run as root");
    std::string name = "/tmp/holdfast-gate.XXXXXX";
    directory_ = ::mkdtemp(name.data());
    for (const char* sub : {"lower/bin", "lower/opt", "upper", "work", "root"}) {
      std::filesystem::create_directories(directory_ + "/" + sub);
    }
  }
  ~Overlay() {
    ::umount2(root().c_str(), MNT_DETACH);
    std::filesystem::remove_all(directory_);
  }
  Overlay(const Overlay&) = delete;
  Overlay& operator=(const Overlay&) = delete;

  /// Before mount(): what the image ships.
  void ship(const std::string& path, const std::string& content, mode_t mode) const {
    write(directory_ + "/lower" + path, content, mode);
  }
  void mount() const {
    const auto options = fmt::format("lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work", directory_);
    if (::mount("overlay", root().c_str(), "overlay", 0, options.c_str()) != 0)
      throw std::runtime_error("mount overlay");
  }
  [[nodiscard]] std::string root() const { return directory_ + "/root"; }
  [[nodiscard]] std::string lower() const { return directory_ + "/lower"; }
  [[nodiscard]] std::string upper() const { return directory_ + "/upper"; }
  [[nodiscard]] dev_t device() const {
    struct stat st {};
    ::stat(root().c_str(), &st);
    return st.st_dev;
  }

  static void write(const std::string& path, const std::string& content, mode_t mode) {
    std::ofstream(path, std::ios::trunc) << content;
    ::chmod(path.c_str(), mode);
  }

 private:
  std::string directory_;
};

/// A baseline that knows what a directory holds, without a database: enough of the contract for the gate's tests.
class DirectoryBaseline : public baseline::Baseline {
 public:
  explicit DirectoryBaseline(std::string directory) : directory_(std::move(directory)) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_)) {
      if (!entry.is_regular_file()) continue;
      struct stat st {};
      ::stat(entry.path().c_str(), &st);
      baseline::ImageFile file{entry.path().string().substr(directory_.size()), identity_of(st), st.st_mode,
                               (st.st_mode & 0111) != 0, std::nullopt};
      files_.emplace(file.path, file);
    }
  }
  bool know_identities = true;

  [[nodiscard]] const std::string& id() const override { return directory_; }
  [[nodiscard]] baseline::Kind kind() const override { return baseline::Kind::layers; }
  [[nodiscard]] baseline::State state() const override { return baseline::State::complete; }
  [[nodiscard]] std::string failure() const override { return {}; }
  [[nodiscard]] std::size_t file_count() const override { return files_.size(); }
  [[nodiscard]] bool is_image_code(const Identity& identity) const noexcept override {
    if (!know_identities) return false;
    for (const auto& [path, file] : files_) {
      if (file.executable && file.identity == identity) return true;
    }
    return false;
  }
  [[nodiscard]] std::optional<kernel::ElfRole> role(const Identity&) const noexcept override { return std::nullopt; }
  void remember_role(const Identity&, kernel::ElfRole) const noexcept override {}
  [[nodiscard]] std::optional<std::string> path_of(const Identity&) const override { return std::nullopt; }
  [[nodiscard]] bool wait_walked(Steady::time_point) const override { return true; }
  [[nodiscard]] Result<std::optional<baseline::ImageFile>> at_path(std::string_view path) const override {
    const auto found = files_.find(std::string(path));
    return found == files_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] Result<Sha256> hash(const baseline::ImageFile& file, Steady::time_point deadline) const override {
    const UniqueFd fd(::open((directory_ + file.path).c_str(), O_RDONLY | O_CLOEXEC));
    return baseline::hash_file(fd.get(), file.identity.size, deadline);
  }
  [[nodiscard]] bool has_size(std::uint64_t size) const noexcept override {
    for (const auto& [path, file] : files_) {
      if (file.executable && file.identity.size == size) return true;
    }
    return false;
  }
  [[nodiscard]] Result<std::optional<baseline::ImageFile>> find_content(std::uint64_t size, const Sha256& sha256,
                                                                        Steady::time_point deadline) const override {
    for (const auto& [path, file] : files_) {
      if (file.executable && file.identity.size == size && *hash(file, deadline) == sha256) return std::optional(file);
    }
    return std::optional<baseline::ImageFile>();
  }
  [[nodiscard]] Result<std::vector<baseline::ImageFile>> all_files(Steady::time_point) const override {
    std::vector<baseline::ImageFile> all;
    for (const auto& [path, file] : files_) all.push_back(file);
    return all;
  }

 private:
  std::string directory_;
  std::map<std::string, baseline::ImageFile> files_;
};

}  // namespace holdfast::test
