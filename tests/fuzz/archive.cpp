// The first byte says what the rest is: a layer, a whole archive, one of the JSON documents of one, a baseline file.

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "holdfast/baseline/baseline_file.h"

#include "../../src/baseline/archive/archive_reader.h"
#include "../../src/baseline/archive/choose_image.h"
#include "../../src/baseline/archive/documents.h"
#include "../../src/baseline/archive/image_source.h"
#include "../../src/baseline/archive/layer_tree.h"
#include "../../src/baseline/archive/unpack_layer.h"
#include "target.h"

using namespace holdfast;

namespace {

constexpr std::uint64_t kMost = std::uint64_t{64} * 1024 * 1024;

void read_layer(std::string_view bytes) {
  baseline::TreeBudget budget{10'000, 1'000'000};
  baseline::LayerTree tree(budget);
  baseline::StringStream stream(bytes);
  baseline::Decompressed tar(stream, kMost);
  std::uint64_t content = kMost;
  static_cast<void>(baseline::unpack_layer(tar, tree, content));
  baseline::TreeBudget other{20'000, 2'000'000};
  baseline::LayerTree image(other);
  image.lay(tree);
  image.lay(tree);
  for (const auto& file : image.recorded()) {
    fuzz::require(file.path.starts_with('/') && file.path.find("//") == std::string::npos);
    fuzz::require(file.path.find("/../") == std::string::npos && file.path.find("/./") == std::string::npos);
    fuzz::require(baseline::is_recorded(file.mode, file.path) && file.sha256.has_value());
  }
}

void read_archive(std::string_view bytes) {
  const int fd = ::memfd_create("archive", MFD_CLOEXEC);
  fuzz::require(fd >= 0 && ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  auto source = baseline::open_tar_source(fd);  // takes the descriptor
  if (source) static_cast<void>(baseline::choose_image(**source, {}));
}

void read_baseline_file(std::string_view text) {
  const auto images = baseline::parse_baseline_text(text);
  if (!images) return;
  // What is read is written the same way again, or it would not have been taken.
  const auto again = baseline::parse_baseline_text(baseline::baseline_text(*images));
  fuzz::require(again.ok() && baseline::baseline_text(*again) == baseline::baseline_text(*images));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest = fuzz::text_of(data, size).substr(1);
  switch (data[0] % 8) {
    case 0:
      read_layer(rest);
      break;
    case 1:
      read_archive(rest);
      break;
    case 2:
      static_cast<void>(baseline::parse_index(rest));
      break;
    case 3:
      static_cast<void>(baseline::parse_manifest(rest));
      break;
    case 4:
      static_cast<void>(baseline::parse_config(rest));
      break;
    case 5:
      static_cast<void>(baseline::parse_docker_manifest(rest));
      break;
    case 6:
      static_cast<void>(baseline::parse_platform(rest));
      break;
    default:
      read_baseline_file(rest);
  }
  return 0;
}
