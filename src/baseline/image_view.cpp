#include "image_view.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>

#include "overlay_mount.h"
#include "path_open.h"

namespace holdfast::baseline {

Result<ImageView> ImageView::make(const Layers& layers) {
  Error last;
  for (const ViewMethod method : {ViewMethod::descriptors, ViewMethod::names, ViewMethod::classic}) {
    auto view = make_by(layers, method);
    if (view) return view;
    last = view.error();
  }
  return last;
}

Result<ImageView> ImageView::make_by(const Layers& layers, ViewMethod method) {
  auto facts = layer_facts(layers);
  if (!facts) return facts.error();
  auto root = mount_layers(layers, method);
  if (!root) return root.error();
  return ImageView(std::move(*root), *facts);
}

Result<std::optional<ImageFile>> ImageView::regular_file(std::string_view path) const {
  auto file = open_beneath(root(), path, O_PATH | O_NOFOLLOW);
  if (!file && means_absent(file.error())) return std::optional<ImageFile>();
  if (!file) return file.error();
  struct stat st {};
  if (::fstat(file->get(), &st) != 0) return errno_error("cannot stat an image file");
  if (!S_ISREG(st.st_mode)) return std::optional<ImageFile>();
  return std::optional(ImageFile{std::string(path), identity_of(st), st.st_mode, (st.st_mode & 0111) != 0, {}});
}

}  // namespace holdfast::baseline
