#include "holdfast/baseline/archive.h"

#include <cerrno>
#include <map>
#include <set>

#include <fmt/format.h>

#include "holdfast/base/text.h"

#include "archive_reader.h"
#include "choose_image.h"
#include "image_source.h"
#include "layer_tree.h"
#include "limits.h"
#include "unpack_layer.h"

namespace holdfast::baseline {
namespace {

/// Tells how much has been read.
class CountingStream final : public ByteStream {
 public:
  using Tell = std::function<bool(std::uint64_t)>;
  CountingStream(ByteStream& from, const Tell& tell) : from_(from), tell_(tell) {}
  [[nodiscard]] Result<std::string_view> next() override {
    auto block = from_.next();
    if (block && !tell_(block->size())) return errno_error(ECANCELED, "reading it");
    return block;
  }

 private:
  ByteStream& from_;
  const Tell& tell_;
};

/// The layers of one image, each read into a tree of its own, in whichever order the archive has them.
class LayerReader {
 public:
  LayerReader(const ChosenImage& image, const ArchiveOptions& options) : image_(image), options_(options) {}

  Result<void> read(ImageSource& source) {
    std::set<std::string> members;
    for (const LayerBlob& layer : image_.layers) {
      if (!members.insert(layer.member).second) continue;
      const auto size = source.size_of(layer.member);
      if (!size) return Error{ENOENT, fmt::format("{} is missing", printable(layer.member))};
      all_ += *size;
    }
    return source.read(members,
                       [this](const std::string& member, ByteStream& bytes) { return read_member(member, bytes); });
  }

  [[nodiscard]] std::vector<ListedFile> lay() const {
    TreeBudget unlimited{SIZE_MAX, SIZE_MAX};
    LayerTree image(unlimited);
    for (const LayerBlob& layer : image_.layers) image.lay(trees_.at(layer.member));
    return image.recorded();
  }

 private:
  Result<void> read_member(const std::string& member, ByteStream& bytes) {
    const CountingStream::Tell tell = [this](std::uint64_t size) {
      done_ += size;
      return !options_.progress || options_.progress(done_, all_);
    };
    CountingStream counted(bytes, tell);
    auto read = read_layer(member, counted);
    return read ? read : Error{read.error().code, fmt::format("{}: {}", printable(member), read.error().message)};
  }

  Result<void> read_layer(const std::string& member, ByteStream& bytes) {
    LayerTree& tree = trees_.try_emplace(member, budget_).first->second;
    DigestingStream blob(bytes);
    Decompressed unpacked(blob, stream_budget_);
    DigestingStream tar(unpacked);
    if (auto done = unpack_layer(tar, tree, content_budget_); !done) return done;
    auto diff_id = tar.finish();
    if (!diff_id) return diff_id.error();
    auto digest = blob.finish();
    if (!digest) return digest.error();
    stream_budget_ -= tar.size();
    for (const LayerBlob& layer : image_.layers) {
      if (layer.member != member) continue;
      if (layer.size && *layer.size != blob.size()) return Error{EINVAL, "it is not of the size that is said of it"};
      if (layer.digest && *layer.digest != *digest) return Error{EINVAL, "its content is not what its digest says"};
      if (layer.diff_id != *diff_id) return Error{EINVAL, "the tar in it is not what the image's configuration says"};
    }
    return {};
  }

  const ChosenImage& image_;
  const ArchiveOptions& options_;
  TreeBudget budget_{kMostNodes, kMostNames};
  std::uint64_t stream_budget_ = kMostBytes, content_budget_ = kMostBytes;
  std::map<std::string, LayerTree> trees_;
  std::uint64_t done_ = 0, all_ = 0;
};

Result<ImageListing> read_image(const std::string& path, const ArchiveOptions& options) {
  auto source = ImageSource::open(path);
  if (!source) return source.error();
  auto image = choose_image(**source, options);
  if (!image) return image.error();
  LayerReader reader(*image, options);
  if (auto done = reader.read(**source); !done) return done.error();
  ImageListing listing{{}, "archive", image->names, {image->digest}, to_string(image->platform), reader.lay()};
  listing.id = content_of(listing);
  return listing;
}

}  // namespace

Result<ImageListing> read_archive(const std::string& path, const ArchiveOptions& options) {
  auto listing = read_image(path, options);
  if (listing) return listing;
  return Error{listing.error().code, fmt::format("{}: {}", printable(path), listing.error().message)};
}

}  // namespace holdfast::baseline
