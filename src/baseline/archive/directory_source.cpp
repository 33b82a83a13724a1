#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/unique_fd.h"

#include "../path_open.h"
#include "image_source.h"
#include "limits.h"

namespace holdfast::baseline {
namespace {

/// An image layout as it lies on the disk. No symlink in it is followed: it would lead out.
class DirectorySource final : public ImageSource {
 public:
  explicit DirectorySource(int directory) : directory_(directory) {}

  Result<std::optional<std::string>> document(const std::string& name) override {
    auto file = open_member(name);
    if (!file) return means_absent(file.error()) ? Result<std::optional<std::string>>(std::nullopt) : file.error();
    FileStream stream(file->get());
    std::string text;
    for (;;) {
      auto block = stream.next();
      if (!block) return block.error();
      if (block->empty()) return std::optional(std::move(text));
      text += *block;
      if (text.size() > kMostDocument) return Error{EFBIG, fmt::format("{} is too large", name)};
    }
  }

  [[nodiscard]] std::string own_name(const std::string& name) const override { return name; }

  [[nodiscard]] std::optional<std::uint64_t> size_of(const std::string& name) const override {
    auto file = open_member(name);
    struct stat st {};
    if (!file || ::fstat(file->get(), &st) != 0) return std::nullopt;
    return static_cast<std::uint64_t>(st.st_size);
  }

  Result<void> read(const std::set<std::string>& names, const Visit& visit) override {
    for (const std::string& name : names) {
      auto file = open_member(name);
      if (!file) return Error{file.error().code, fmt::format("{}: {}", name, file.error().message)};
      FileStream stream(file->get());
      if (auto done = visit(name, stream); !done) return done;
    }
    return {};
  }

 private:
  [[nodiscard]] Result<UniqueFd> open_member(const std::string& name) const {
    auto file = open_beneath(directory_.get(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!file) return file;
    struct stat st {};
    if (::fstat(file->get(), &st) != 0) return errno_error(name);
    if (!S_ISREG(st.st_mode)) return Error{EINVAL, fmt::format("{} is no regular file", name)};
    return file;
  }

  UniqueFd directory_;
};

}  // namespace

Result<std::unique_ptr<ImageSource>> open_directory_source(int directory) {
  return std::unique_ptr<ImageSource>(std::make_unique<DirectorySource>(directory));
}

}  // namespace holdfast::baseline
