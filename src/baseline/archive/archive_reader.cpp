#include "archive_reader.h"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
#include <new>

#include <fmt/format.h>

#include "holdfast/base/text.h"

namespace holdfast::baseline {

void ArchiveReader::Free::operator()(archive* handle) const { archive_read_free(handle); }

ArchiveReader::ArchiveReader(ByteStream& from) : from_(from), handle_(archive_read_new()) {
  if (handle_ == nullptr) throw std::bad_alloc();
}

Result<std::unique_ptr<ArchiveReader>> ArchiveReader::open(ByteStream& from, Format format) {
  std::unique_ptr<ArchiveReader> reader(new ArchiveReader(from));
  if (auto started = reader->start(format); !started) return started.error();
  return reader;
}

Result<void> ArchiveReader::start(Format format) {
  archive* const handle = handle_.get();
  // ARCHIVE_WARN would mean that libarchive has the filter by starting a program only.
  const bool ready = archive_read_support_format_empty(handle) == ARCHIVE_OK &&
                     (format == Format::tar ? archive_read_support_format_tar(handle) == ARCHIVE_OK
                                            : archive_read_support_format_raw(handle) == ARCHIVE_OK &&
                                                  archive_read_support_filter_gzip(handle) == ARCHIVE_OK &&
                                                  archive_read_support_filter_zstd(handle) == ARCHIVE_OK);
  if (!ready) return Error{ENOSYS, "this libarchive cannot read tar, gzip and zstd by itself"};
  if (archive_read_open2(handle, this, nullptr, &ArchiveReader::read, nullptr, nullptr) != ARCHIVE_OK) return failure();
  // The last "filter" is the input itself.
  if (archive_filter_count(handle) > 2) return Error{EINVAL, "it is compressed more than once"};
  return {};
}

ssize_t ArchiveReader::read(archive* handle, void* self, const void** buffer) {
  auto& reader = *static_cast<ArchiveReader*>(self);
  auto block = reader.from_.next();
  if (!block) {
    reader.input_error_ = block.error();
    archive_set_error(handle, EIO, "input");
    return -1;
  }
  *buffer = block->data();
  return static_cast<ssize_t>(block->size());
}

Error ArchiveReader::failure() const {
  if (input_error_) return *input_error_;
  const char* const words = archive_error_string(handle_.get());
  return {EINVAL, words == nullptr ? "it is damaged" : printable(words)};
}

Result<archive_entry*> ArchiveReader::next_entry() {
  archive_entry* entry = nullptr;
  switch (archive_read_next_header(handle_.get(), &entry)) {
    case ARCHIVE_EOF:
      return static_cast<archive_entry*>(nullptr);
    case ARCHIVE_OK:
    case ARCHIVE_WARN:  // a name that is not UTF-8, an attribute that nobody asks for
      return entry;
    default:
      return failure();
  }
}

Result<std::optional<ArchiveReader::Block>> ArchiveReader::next_block() {
  const void* data = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  const int code = archive_read_data_block(handle_.get(), &data, &size, &offset);
  if (code == ARCHIVE_EOF) return std::optional<Block>();
  if (code != ARCHIVE_OK || offset < 0) return failure();
  return std::optional(Block{{static_cast<const char*>(data), size}, static_cast<std::uint64_t>(offset)});
}

Result<std::string_view> Decompressed::next() {
  if (ended_) return std::string_view();
  if (reader_ == nullptr) {
    auto reader = ArchiveReader::open(from_, ArchiveReader::Format::raw);
    if (!reader) return reader.error();
    reader_ = std::move(*reader);
    auto entry = reader_->next_entry();
    if (!entry) return entry.error();
    ended_ = *entry == nullptr;
    if (ended_) return std::string_view();
  }
  for (;;) {
    auto block = reader_->next_block();
    if (!block) return block.error();
    ended_ = !block->has_value();
    if (ended_) return std::string_view();
    size_ += (*block)->bytes.size();
    if (size_ > most_) return Error{EFBIG, "it unpacks to more than Holdfast reads"};
    if (!(*block)->bytes.empty()) return (*block)->bytes;
  }
}

}  // namespace holdfast::baseline
