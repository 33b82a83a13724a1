#include <archive_entry.h>
#include <unistd.h>

#include <cerrno>
#include <map>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/base/unique_fd.h"

#include "archive_reader.h"
#include "image_source.h"
#include "limits.h"
#include "tar_path.h"

namespace holdfast::baseline {
namespace {

std::string plain_name(const std::vector<std::string_view>& parts) {
  std::string name;
  for (const std::string_view part : parts) (name += name.empty() ? "" : "/") += part;
  return name;
}

/// The data of the entry that a reader stands at.
class EntryStream final : public ByteStream {
 public:
  explicit EntryStream(ArchiveReader& reader) : reader_(reader) {}
  [[nodiscard]] Result<std::string_view> next() override {
    for (;;) {
      auto block = reader_.next_block();
      if (!block) return block.error();
      if (!*block) return std::string_view();
      // Nobody makes an image archive with holes in it.
      if ((*block)->offset != size_) return Error{EINVAL, "it is a sparse file"};
      size_ += (*block)->bytes.size();
      if (!(*block)->bytes.empty()) return (*block)->bytes;
    }
  }

 private:
  ArchiveReader& reader_;
  std::uint64_t size_ = 0;
};

/// A tar is read twice from its beginning: for what is in it, and for the layers.
class TarSource final : public ImageSource {
 public:
  explicit TarSource(int file) : file_(file) {}

  Result<void> look_through() {
    return for_each([this](const std::string& name, archive_entry* entry, ByteStream& bytes) -> Result<void> {
      if (members_.size() + links_.size() >= kMostMembers) return Error{EFBIG, "it has too many members"};
      const char* const hard_link = archive_entry_hardlink(entry);
      if (hard_link != nullptr || archive_entry_filetype(entry) == AE_IFLNK) return add_link(name, entry, hard_link);
      if (archive_entry_filetype(entry) != AE_IFREG) return {};
      const auto size = static_cast<std::uint64_t>(archive_entry_size(entry));
      if (!members_.emplace(name, size).second) return Error{EEXIST, fmt::format("it has {} twice", printable(name))};
      return size <= kMostDocument ? keep_document(name, bytes) : Result<void>();
    });
  }

  Result<std::optional<std::string>> document(const std::string& name) override {
    const std::string target = own_name(name);
    if (const auto found = documents_.find(target); found != documents_.end()) return std::optional(found->second);
    if (members_.contains(target)) return Error{EFBIG, fmt::format("{} is too large, or no JSON", printable(name))};
    return std::optional<std::string>();
  }

  [[nodiscard]] std::string own_name(const std::string& name) const override {
    std::string target = name;
    for (int hops = 0; hops < kMostSymlinks; ++hops) {
      const auto link = links_.find(target);
      if (link == links_.end() || members_.contains(target)) break;
      target = link->second;
    }
    return target;
  }

  [[nodiscard]] std::optional<std::uint64_t> size_of(const std::string& name) const override {
    const auto found = members_.find(own_name(name));
    return found == members_.end() ? std::nullopt : std::optional(found->second);
  }

  Result<void> read(const std::set<std::string>& names, const Visit& visit) override {
    std::set<std::string> wanted = names;
    auto done = for_each([&](const std::string& name, archive_entry* entry, ByteStream& bytes) -> Result<void> {
      if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr) return {};
      return wanted.erase(name) != 0 ? visit(name, bytes) : Result<void>();
    });
    if (!done || wanted.empty()) return done;
    return Error{ENOENT, fmt::format("{} is missing", printable(*wanted.begin()))};
  }

 private:
  using OnMember = std::function<Result<void>(const std::string& name, archive_entry* entry, ByteStream& bytes)>;

  Result<void> for_each(const OnMember& on_member) {
    if (::lseek(file_.get(), 0, SEEK_SET) != 0) return errno_error("it cannot be read from its beginning");
    FileStream file(file_.get());
    Decompressed tar(file, kMostBytes);
    auto reader = ArchiveReader::open(tar, ArchiveReader::Format::tar);
    if (!reader) return reader.error();
    for (;;) {
      auto entry = (*reader)->next_entry();
      if (!entry) return entry.error();
      if (*entry == nullptr) return {};
      const char* const raw = archive_entry_pathname(*entry);
      const auto parts = tar_path(raw == nullptr ? "" : raw);
      if (!parts) return Error{parts.error().code, fmt::format("a member: {}", parts.error().message)};
      EntryStream bytes(**reader);
      if (auto done = on_member(plain_name(*parts), *entry, bytes); !done) return done;
    }
  }

  /// `docker save` writes a layer once and links to it where it comes again.
  Result<void> add_link(const std::string& name, archive_entry* entry, const char* hard_link) {
    const char* const raw = hard_link != nullptr ? hard_link : archive_entry_symlink(entry);
    std::string target(raw == nullptr ? "" : raw);
    if (hard_link == nullptr) target.insert(0, name.substr(0, name.rfind('/') + 1));
    const auto parts = tar_path(target);
    if (!parts)
      return Error{parts.error().code, fmt::format("{} is a link: {}", printable(name), parts.error().message)};
    links_.emplace(name, plain_name(*parts));
    return {};
  }

  /// Only what looks like JSON is kept; layers that are small are not.
  Result<void> keep_document(const std::string& name, ByteStream& bytes) {
    std::string text;
    for (;;) {
      auto block = bytes.next();
      if (!block) return block.error();
      if (block->empty()) break;
      text += *block;
      if (text.front() != '{' && text.front() != '[') return {};
    }
    documents_bytes_ += text.size();
    if (documents_bytes_ > kMostDocuments) return Error{EFBIG, "it has too much JSON"};
    documents_.emplace(name, std::move(text));
    return {};
  }

  UniqueFd file_;
  std::map<std::string, std::uint64_t> members_;
  std::map<std::string, std::string> links_;
  std::map<std::string, std::string> documents_;
  std::size_t documents_bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<ImageSource>> open_tar_source(int file) {
  auto source = std::make_unique<TarSource>(file);
  if (auto looked = source->look_through(); !looked) return looked.error();
  return std::unique_ptr<ImageSource>(std::move(source));
}

}  // namespace holdfast::baseline
