#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "holdfast/base/unique_fd.h"

namespace holdfast::container::stage {

/// A directory that goes with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Makes a directory below it, with parents; returns its path.
  std::string directory(const std::string& name) const;
  void file(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

/// A process in a private mount namespace of its own, as runtimes and containers are. Ends with the test.
class Process {
 public:
  struct Kind {
    bool own_mounts = true;
    std::vector<std::string> arguments{};  ///< if any: executes this very program with them, and sits still
    uid_t uid = 0;
    std::string root{};       ///< chroot here, once started
    std::string prepare{};    ///< shell commands run in the namespace before that
    bool with_child = false;  ///< has a child; `pid` is the child's
  };
  explicit Process(const Kind& kind);
  Process() : Process(Kind{}) {}
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return subject_; }
  [[nodiscard]] int proc() const { return proc_.get(); }
  /// Runs a shell command in its mount namespace; true if it succeeded.
  [[nodiscard]] bool run(const std::string& command) const;

 private:
  pid_t pid_ = 0;
  pid_t subject_ = 0;
  UniqueFd proc_;
};

/// Root, mount namespaces and overlays: what most of these tests cannot do without.
[[nodiscard]] bool can_mount_overlays();

}  // namespace holdfast::container::stage
