#pragma once

#include <cstdint>
#include <string_view>

#include "holdfast/base/result.h"

#include "../digest.h"

namespace holdfast::baseline {

/// Bytes that come one block after the other.
class ByteStream {
 public:
  ByteStream() = default;
  virtual ~ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  /// The next block, valid until the next call; empty at the end.
  [[nodiscard]] virtual Result<std::string_view> next() = 0;
};

/// Hands on what another stream gives, and keeps its SHA-256 and its length. The other one must live longer.
class DigestingStream final : public ByteStream {
 public:
  explicit DigestingStream(ByteStream& from) : from_(from) {}

  [[nodiscard]] Result<std::string_view> next() override {
    auto block = from_.next();
    if (block) {
      digest_.update(*block);
      size_ += block->size();
    }
    return block;
  }
  /// Reads what is left; then, once, what all of it was.
  [[nodiscard]] Result<Sha256> finish() {
    for (;;) {
      auto block = next();
      if (!block) return block.error();
      if (block->empty()) return digest_.finish();
    }
  }
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  ByteStream& from_;
  Digest digest_;
  std::uint64_t size_ = 0;
};

/// A block at once.
class StringStream final : public ByteStream {
 public:
  explicit StringStream(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] Result<std::string_view> next() override {
    const std::string_view block = bytes_;
    bytes_ = {};
    return block;
  }

 private:
  std::string_view bytes_;
};

}  // namespace holdfast::baseline
