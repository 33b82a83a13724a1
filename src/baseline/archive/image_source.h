#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "holdfast/base/result.h"

#include "byte_stream.h"

namespace holdfast::baseline {

/// The members of an archive: files below a directory, or in a tar. Names are relative and plain: "blobs/sha256/…".
class ImageSource {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ImageSource>> open(const std::string& path);
  virtual ~ImageSource() = default;

  /// A small member as a whole; nothing if there is none of that name.
  [[nodiscard]] virtual Result<std::optional<std::string>> document(const std::string& name) = 0;
  /// What a member is called itself, where `name` is a link to it.
  [[nodiscard]] virtual std::string own_name(const std::string& name) const = 0;
  /// Bytes of a member; nothing if there is none.
  [[nodiscard]] virtual std::optional<std::uint64_t> size_of(const std::string& name) const = 0;
  /// Calls `visit` once for each of these members (by their own names), in whichever order is cheapest. An error of it
  /// ends the reading.
  using Visit = std::function<Result<void>(const std::string& name, ByteStream& bytes)>;
  [[nodiscard]] virtual Result<void> read(const std::set<std::string>& names, const Visit& visit) = 0;
};

/// A file's bytes, by read(2) from where it stands.
class FileStream final : public ByteStream {
 public:
  explicit FileStream(int fd);
  [[nodiscard]] Result<std::string_view> next() override;

 private:
  const int fd_;
  std::string buffer_;
};

[[nodiscard]] Result<std::unique_ptr<ImageSource>> open_directory_source(int directory);
[[nodiscard]] Result<std::unique_ptr<ImageSource>> open_tar_source(int file);

}  // namespace holdfast::baseline
