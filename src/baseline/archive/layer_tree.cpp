#include "layer_tree.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>

#include "../path_open.h"
#include "limits.h"
#include "tar_path.h"

namespace holdfast::baseline {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
/// AUFS's own files, which are no part of the image.
constexpr std::string_view kAufs = ".wh..wh.";
constexpr std::size_t kMostDepth = 2048;

Error no_directory() { return {ENOTDIR, "a part of its path is no directory in the layer"}; }

}  // namespace

struct LayerTree::Node {
  enum class Kind { directory, file, symlink, whiteout, other };
  explicit Node(Kind kind_of, std::shared_ptr<Content> content_of = {}, std::string_view target_of = {})
      : kind(kind_of), content(std::move(content_of)), target(target_of) {}

  Kind kind;
  bool opaque = false;               ///< a directory that hides the lower layers' one
  std::shared_ptr<Content> content;  ///< a file's, shared by its hard links
  std::string target;                ///< a symlink's
  std::map<std::string, std::unique_ptr<Node>, std::less<>> children;

  [[nodiscard]] bool is(Kind wanted) const { return kind == wanted; }
  [[nodiscard]] Node* find(std::string_view name) const {
    const auto found = children.find(name);
    return found == children.end() ? nullptr : found->second.get();
  }
};

LayerTree::LayerTree(TreeBudget& budget) : budget_(budget), root_(std::make_unique<Node>(Node::Kind::directory)) {}
LayerTree::LayerTree(LayerTree&&) noexcept = default;
LayerTree::~LayerTree() = default;

Result<LayerTree::Node*> LayerTree::insert(Node& directory, const std::string& name, Node node) {
  const std::size_t bytes = name.size() + node.target.size();
  if (budget_.nodes == 0 || budget_.name_bytes < bytes)
    return Error{EFBIG, "the image has more files than Holdfast reads"};
  --budget_.nodes;
  budget_.name_bytes -= bytes;
  auto& place = directory.children[name];
  place = std::make_unique<Node>(std::move(node));
  return place.get();
}

/// Walks to the directory of an entry, through symlinks of this layer. Directories that no entry names are made.
Result<LayerTree::Place> LayerTree::find_place(std::string_view path, bool create) {
  const auto parts = tar_path(path);
  if (!parts) return parts.error();
  if (parts->empty()) return Place{root_.get(), {}};
  std::deque<std::string> todo(parts->begin(), parts->end() - 1);
  std::vector<Node*> way{root_.get()};
  for (int links = 0; !todo.empty();) {
    const std::string name = std::move(todo.front());
    todo.pop_front();
    if (name == "..") {
      if (way.size() > 1) way.pop_back();
      continue;
    }
    Node* next = way.back()->find(name);
    if (next == nullptr) {
      if (!create) return Error{ENOENT, "it is a link to a file that the layer does not have"};
      auto made = insert(*way.back(), name, Node(Node::Kind::directory));
      if (!made) return made.error();
      next = *made;
    }
    if (next->is(Node::Kind::whiteout)) return Place{nullptr, std::string(parts->back())};
    if (next->is(Node::Kind::symlink)) {
      if (++links > kMostSymlinks) return Error{ELOOP, "there are too many symbolic links in its path"};
      if (next->target.starts_with('/')) way.resize(1);
      std::deque<std::string> target;
      for (std::string_view rest = next->target; !rest.empty();) {
        const std::size_t end = std::min(rest.find('/'), rest.size());
        if (const auto part = rest.substr(0, end); !part.empty() && part != ".") target.emplace_back(part);
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
      todo.insert(todo.begin(), target.begin(), target.end());
      continue;
    }
    if (!next->is(Node::Kind::directory)) return no_directory();
    way.push_back(next);
    if (way.size() > kMostDepth) return Error{ENAMETOOLONG, "its path is too deep"};
  }
  return Place{way.back(), std::string(parts->back())};
}

Result<void> LayerTree::white_out(Place& place) {
  if (place.directory == nullptr) return {};  // all of it is deleted already
  if (place.name == kOpaque) {
    place.directory->opaque = true;
    return {};
  }
  const std::string victim = place.name.substr(kWhiteout.size());
  if (victim.empty() || victim == "." || victim == "..") return Error{EINVAL, "it deletes nothing that has a name"};
  if (const Node* there = place.directory->find(victim)) {
    // Some runtimes refuse such a layer, others keep the file, others delete it.
    if (!there->is(Node::Kind::whiteout)) return Error{EEXIST, "it deletes what the same layer has added before"};
    return {};
  }
  auto made = insert(*place.directory, victim, Node(Node::Kind::whiteout));
  return made ? Result<void>() : made.error();
}

Result<std::optional<LayerTree::Place>> LayerTree::make_room(std::string_view path, bool for_directory) {
  const auto parts = tar_path(path);
  if (!parts) return parts.error();
  if (parts->empty()) return std::optional<Place>();
  if (parts->front().starts_with(kAufs) && (parts->size() > 1 || parts->front() != kOpaque)) {
    return std::optional<Place>();
  }
  auto place = find_place(path, true);
  if (!place) return place.error();
  if (place->name.starts_with(kWhiteout)) {
    const bool aufs = place->name.starts_with(kAufs) && place->name != kOpaque;
    if (auto done = aufs ? Result<void>() : white_out(*place); !done) return done.error();
    return std::optional<Place>();
  }
  if (place->directory == nullptr) return no_directory();
  if (const Node* there = place->directory->find(place->name)) {
    if (for_directory && there->is(Node::Kind::directory)) return std::optional<Place>();
    place->directory->children.erase(place->name);
  }
  return std::optional(std::move(*place));
}

Result<void> LayerTree::put(std::string_view path, Node node) {
  auto place = make_room(path, node.is(Node::Kind::directory));
  if (!place) return place.error();
  if (!*place) return {};
  auto made = insert(*(*place)->directory, (*place)->name, std::move(node));
  return made ? Result<void>() : made.error();
}

Result<void> LayerTree::add_directory(std::string_view path) { return put(path, Node(Node::Kind::directory)); }

Result<void> LayerTree::add_file(std::string_view path, const Content& content) {
  return put(path, Node(Node::Kind::file, std::make_shared<Content>(content)));
}

Result<void> LayerTree::add_symlink(std::string_view path, std::string_view target) {
  if (target.size() > kMostPathBytes) return Error{ENAMETOOLONG, "it points to a name that is too long"};
  return put(path, Node(Node::Kind::symlink, {}, target));
}

Result<void> LayerTree::add_other(std::string_view path) { return put(path, Node(Node::Kind::other)); }

Result<void> LayerTree::add_whiteout_device(std::string_view path) { return put(path, Node(Node::Kind::whiteout)); }

Result<void> LayerTree::add_hard_link(std::string_view path, std::string_view target, mode_t mode) {
  auto place = make_room(path, false);
  if (!place) return place.error();
  if (!*place) return {};
  auto other = find_place(target, false);
  if (!other) return other.error();
  const Node* const file = other->directory == nullptr ? nullptr : other->directory->find(other->name);
  if (file == nullptr || file->is(Node::Kind::whiteout)) {
    return Error{ENOENT, "it is a link to a file that the layer does not have"};
  }
  if (file->is(Node::Kind::directory)) return Error{EPERM, "it is a hard link to a directory"};
  if (file->content != nullptr) file->content->mode = mode;
  auto made = insert(*(*place)->directory, (*place)->name, Node(file->kind, file->content, file->target));
  return made ? Result<void>() : made.error();
}

void LayerTree::merge(Node& lower, const Node& upper) {
  for (const auto& [name, above] : upper.children) {
    if (above->is(Node::Kind::whiteout)) {
      lower.children.erase(name);
      continue;
    }
    auto& below = lower.children[name];
    if (!above->is(Node::Kind::directory)) {
      below = std::make_unique<Node>(above->kind, above->content);
      continue;
    }
    if (below == nullptr || !below->is(Node::Kind::directory) || above->opaque) {
      below = std::make_unique<Node>(Node::Kind::directory);
    }
    merge(*below, *above);
  }
}

void LayerTree::lay(const LayerTree& upper) {
  if (upper.root_->opaque) root_->children.clear();
  merge(*root_, *upper.root_);
}

std::vector<ListedFile> LayerTree::recorded() const {
  std::vector<ListedFile> files;
  std::vector<std::pair<std::string, const Node*>> pending{{"/", root_.get()}};
  while (!pending.empty()) {
    const auto [path, directory] = std::move(pending.back());
    pending.pop_back();
    for (const auto& [name, node] : directory->children) {
      if (node->is(Node::Kind::directory)) {
        // What a capture does not look into, either.
        if (path.size() + name.size() + 1 + NAME_MAX <= kMaxPath) pending.emplace_back(path + name + '/', node.get());
      } else if (node->is(Node::Kind::file) && is_recorded(node->content->mode, name)) {
        files.push_back({path + name, node->content->size, node->content->mode, node->content->sha256});
      }
    }
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

}  // namespace holdfast::baseline
