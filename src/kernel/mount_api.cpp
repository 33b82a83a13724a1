#include "holdfast/kernel/mount_api.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

namespace holdfast::kernel {

Result<FsContext> FsContext::open(const std::string& type) {
  UniqueFd fd(::fsopen(type.c_str(), FSOPEN_CLOEXEC));
  if (!fd) return errno_error(fmt::format("cannot open file system type {}", type));
  return FsContext(std::move(fd));
}

Error FsContext::failure(const std::string& what) const {
  Error error = errno_error(what);
  std::array<char, 512> line{};
  const ssize_t length = ::read(fd_.get(), line.data(), line.size());
  if (length > 2)
    error.message += fmt::format(" ({})", std::string_view(line.data(), static_cast<std::size_t>(length)));
  return error;
}

Result<void> FsContext::set_string(const std::string& key, const std::string& value) const {
  if (::fsconfig(fd_.get(), FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0) == 0) return {};
  return failure(fmt::format("file system option {}={}", key, value));
}

Result<void> FsContext::set_flag(const std::string& key) const {
  if (::fsconfig(fd_.get(), FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0) == 0) return {};
  return failure(fmt::format("file system option {}", key));
}

Result<void> FsContext::set_descriptor(const std::string& key, int fd) const {
  if (::fsconfig(fd_.get(), FSCONFIG_SET_FD, key.c_str(), nullptr, fd) == 0) return {};
  return failure(fmt::format("file system option {} by descriptor", key));
}

Result<UniqueFd> FsContext::mount(unsigned attributes) const {
  if (::fsconfig(fd_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return failure("cannot make the file system");
  UniqueFd mounted(::fsmount(fd_.get(), FSMOUNT_CLOEXEC, attributes));
  if (!mounted) return failure("cannot make a detached mount");
  return mounted;
}

Result<UniqueFd> clone_tree_read_only(int directory) {
  UniqueFd tree(::open_tree(directory, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree) return errno_error("cannot clone a directory's mount");
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    return errno_error("cannot make a cloned mount read-only");
  }
  return tree;
}

Result<void> run_in_mount_namespace(int mount_namespace, const std::function<Result<void>()>& work) {
  Result<void> outcome;
  const auto body = [&]() -> Result<void> {
    // A thread that shares its root with others may not change its mount namespace (setns(2)).
    if (::unshare(CLONE_FS) != 0) return errno_error("cannot unshare a thread's root");
    if (mount_namespace >= 0 && ::setns(mount_namespace, CLONE_NEWNS) != 0) {
      return errno_error("cannot enter a mount namespace");
    }
    return work();
  };
  try {
    std::thread([&] { outcome = body(); }).join();
  } catch (const std::system_error& error) {
    return errno_error(error.code().value(), "cannot start a thread");
  }
  return outcome;
}

Result<void> enter_private_mount_namespace() {
  if (::unshare(CLONE_NEWNS) != 0) return errno_error("cannot make a mount namespace");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return errno_error("cannot make a mount namespace private");
  }
  return {};
}

}  // namespace holdfast::kernel
