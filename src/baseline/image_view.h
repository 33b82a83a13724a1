#pragma once

#include <optional>
#include <string_view>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/baseline/baseline.h"
#include "holdfast/baseline/layers.h"

#include "layer_facts.h"

namespace holdfast::baseline {

/// The ways to have the kernel merge layers without a place in the mount table, best first.
enum class ViewMethod {
  descriptors,  ///< fsconfig `lowerdir+` by descriptor (kernel fact 17: not on 6.1)
  names,        ///< the same by name (6.5)
  classic,      ///< mount(2) in a private mount namespace, and detached at once
};

/// An image's layers merged by the kernel: detached, read-only, gone with this object (kernel fact 17). A single layer
/// is its own view. Immutable; any thread.
class ImageView {
 public:
  /// With the first method that works; the error is the last one's.
  [[nodiscard]] static Result<ImageView> make(const Layers& layers);
  [[nodiscard]] static Result<ImageView> make_by(const Layers& layers, ViewMethod method);

  [[nodiscard]] int root() const { return root_.get(); }
  [[nodiscard]] const LayerFacts& facts() const { return facts_; }

  /// The regular file at `path`, or nothing if there is none or a symlink is in the way.
  [[nodiscard]] Result<std::optional<ImageFile>> regular_file(std::string_view path) const;

 private:
  ImageView(UniqueFd root, const LayerFacts& facts) : root_(std::move(root)), facts_(facts) {}
  UniqueFd root_;
  LayerFacts facts_;
};

}  // namespace holdfast::baseline
