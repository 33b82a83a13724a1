#pragma once

#include <sys/types.h>

#include <string>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::control {

/// A bound, listening unix socket that removes its file when it goes, if the file is still its own.
class Listener {
 public:
  [[nodiscard]] static Result<Listener> bind(const std::string& path);
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&&) = delete;
  ~Listener();

  /// Gives the socket away; the file stays this object's.
  [[nodiscard]] int release_socket() { return socket_.release(); }

 private:
  Listener(UniqueFd socket, std::string path, dev_t device, ino_t inode)
      : socket_(std::move(socket)), path_(std::move(path)), device_(device), inode_(inode) {}

  UniqueFd socket_;
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace holdfast::control
