#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "holdfast/base/result.h"

#include "byte_stream.h"

struct archive;
struct archive_entry;

namespace holdfast::baseline {

/// One libarchive reader over a ByteStream, which must live longer. It opens no file and starts no program.
class ArchiveReader {
 public:
  /// raw: the bytes of a stream that may be compressed by gzip or zstd, once. tar: a tar's entries.
  enum class Format { raw, tar };
  [[nodiscard]] static Result<std::unique_ptr<ArchiveReader>> open(ByteStream& from, Format format);

  /// Null at the end; valid until the next call.
  [[nodiscard]] Result<archive_entry*> next_entry();
  /// A part of the entry's data; what lies between parts is a hole. Nothing at its end.
  struct Block {
    std::string_view bytes;
    std::uint64_t offset = 0;
  };
  [[nodiscard]] Result<std::optional<Block>> next_block();

 private:
  struct Free {
    void operator()(archive* handle) const;
  };
  explicit ArchiveReader(ByteStream& from);
  static ssize_t read(archive* handle, void* self, const void** buffer);
  [[nodiscard]] Result<void> start(Format format);
  [[nodiscard]] Error failure() const;

  ByteStream& from_;
  std::optional<Error> input_error_;  ///< of from_: it says more than libarchive does of it
  std::unique_ptr<archive, Free> handle_;
};

/// What a stream is once decompressed, or as it is if it is not compressed. Ends with an error after `most` bytes.
class Decompressed final : public ByteStream {
 public:
  Decompressed(ByteStream& from, std::uint64_t most) : from_(from), most_(most) {}
  [[nodiscard]] Result<std::string_view> next() override;
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  ByteStream& from_;
  const std::uint64_t most_;
  std::uint64_t size_ = 0;
  std::unique_ptr<ArchiveReader> reader_;
  bool ended_ = false;
};

}  // namespace holdfast::baseline
