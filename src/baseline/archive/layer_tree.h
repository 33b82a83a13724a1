#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.h"
#include "holdfast/base/sha256.h"
#include "holdfast/baseline/image_listing.h"

namespace holdfast::baseline {

/// How much the layers of one image may still add in all.
struct TreeBudget {
  std::size_t nodes = 0;
  std::size_t name_bytes = 0;
};

/// One layer as a runtime unpacks it below overlayfs: a directory tree of its own, in which deletions are whiteouts and
/// opaque directories; or several laid upon each other. Holds no data of files, only what is known of them. Paths are
/// as the tar has them.
class LayerTree {
 public:
  struct Content {
    std::uint64_t size = 0;
    mode_t mode = 0;
    Sha256 sha256{};
  };
  /// `budget` outlives the tree.
  explicit LayerTree(TreeBudget& budget);
  LayerTree(LayerTree&&) noexcept;
  LayerTree& operator=(LayerTree&&) noexcept = delete;
  ~LayerTree();

  // One entry of the tar each. What is there already is replaced, but a directory stays if it comes again.
  [[nodiscard]] Result<void> add_directory(std::string_view path);
  [[nodiscard]] Result<void> add_file(std::string_view path, const Content& content);
  [[nodiscard]] Result<void> add_symlink(std::string_view path, std::string_view target);
  /// A second name for what `target` is: the content is shared, and takes the link's own mode.
  [[nodiscard]] Result<void> add_hard_link(std::string_view path, std::string_view target, mode_t mode);
  /// Devices, fifos: they hide what is below them.
  [[nodiscard]] Result<void> add_other(std::string_view path);
  /// The kernel's own whiteout, a device 0/0.
  [[nodiscard]] Result<void> add_whiteout_device(std::string_view path);

  /// Lays a layer upon this one: the kernel's overlay of both.
  void lay(const LayerTree& upper);
  /// Files that a baseline records, by path.
  [[nodiscard]] std::vector<ListedFile> recorded() const;

 private:
  struct Node;
  struct Place {
    Node* directory = nullptr;  ///< null: below what the layer deletes
    std::string name;           ///< empty: the root itself
  };
  /// Finds where an entry goes and makes room for it. Nothing: the entry was a whiteout, or has no place of its own.
  [[nodiscard]] Result<std::optional<Place>> make_room(std::string_view path, bool for_directory);
  [[nodiscard]] Result<void> put(std::string_view path, Node node);
  [[nodiscard]] Result<Place> find_place(std::string_view path, bool create);
  [[nodiscard]] Result<void> white_out(Place& place);
  [[nodiscard]] Result<Node*> insert(Node& directory, const std::string& name, Node node);
  static void merge(Node& lower, const Node& upper);

  TreeBudget& budget_;
  std::unique_ptr<Node> root_;
};

}  // namespace holdfast::baseline
