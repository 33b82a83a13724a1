#include <cerrno>

#include <fmt/format.h>

#include "compare.h"
#include "hash_all.h"
#include "image_record.h"
#include "inventory.h"
#include "local_catalog.h"

namespace holdfast::baseline {
namespace {

/// Where an image's files can be read now.
struct Source {
  int root = -1;
  LayerFacts facts;
  std::optional<ImageView> view;  ///< root's owner, unless a live baseline is
  UniqueFd directory;             ///< the same for a snapshot
};

Result<Source> source_of(const ImageRecord& record, const LiveBaseline* live) {
  Source source;
  if (record.kind == Kind::snapshot) {
    auto root = reopen_root(record);
    if (!root) return root.error();
    auto facts = directory_facts(root->get());
    if (!facts) return facts.error();
    source.directory = std::move(*root);
    source.root = source.directory.get();
    source.facts = {0, facts->trust_times};
    return source;
  }
  if (live != nullptr) {
    auto view = live->view();
    if (!view) return view.error();
    source.root = (*view)->root();
    source.facts = (*view)->facts();
    return source;
  }
  auto layers = reopen_layers(record);
  if (!layers) return layers.error();
  auto view = ImageView::make(*layers);
  if (!view) return view.error();
  source.view = std::move(*view);
  source.root = source.view->root();
  source.facts = source.view->facts();
  return source;
}

}  // namespace

Result<std::vector<Difference>> LocalCatalog::verify(const std::string& id, bool write, const Progress& progress) {
  auto stored = context_->store().image(id);
  if (!stored) return stored.error();
  auto before = context_->store().load(id);
  if (!before) return before.error();
  if (!*stored || *before == nullptr) return Error{ENOENT, fmt::format("image {} has no complete baseline", id)};
  const ImageRecord& record = (*stored)->record;
  const auto live = find_live(id);
  auto source = source_of(record, live.get());
  if (!source) return source.error();

  const WalkRules walk_rules{record.kind == Kind::snapshot, source->facts.trust_times};
  auto now = walk(source->root, walk_rules, context_->until_stopped());
  if (!now) return now.error();
  const HashAllRules rules{{source->facts.trust_times, true}, threads_, source->facts.file_system};
  if (auto hashed = hash_all(source->root, *now->table, rules, *context_, progress); !hashed) return hashed.error();
  auto differences = compare(**before, *now->table);
  if (write) {
    if (auto saved = context_->store().save(record, *now->table); !saved) return saved.error();
    if (live != nullptr) live->publish(std::move(now->table), State::complete);
  }
  return differences;
}

}  // namespace holdfast::baseline
