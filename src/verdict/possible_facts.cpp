#include "possible_facts.h"

#include <algorithm>

namespace holdfast::verdict {
namespace {

using policy::Reason;

bool is_cut(const alert::Record& record, std::string_view field) {
  return std::find(record.cut.begin(), record.cut.end(), field) != record.cut.end();
}

/// How a file on the root compares with the image, where the reason does not say: a prohibited or unmediated one.
std::vector<Comparison> comparisons_on_root(const alert::Alert& alert, Layer layer) {
  if (layer == Layer::image) return {Comparison::image_identity};
  if (!alert.image_file) return {Comparison::unknown_to_image, Comparison::same_as_other_file};
  const std::string& image = alert.image_file->sha256;
  const std::string& own = alert.file ? alert.file->sha256 : std::string();
  if (image.empty() || own.empty()) return {Comparison::differs_from_path, Comparison::same_as_image_path};
  return {image == own ? Comparison::same_as_image_path : Comparison::differs_from_path};
}

/// Sets what the reason says, and returns the comparisons that it leaves open.
std::vector<Comparison> settle(Facts& facts, const alert::Alert& alert, Reason reason) {
  switch (reason) {
    case Reason::added:
      return {Comparison::unknown_to_image};
    case Reason::modified:
      facts.image_has_path = true;
      return {Comparison::differs_from_path};
    case Reason::made_executable:
      facts.image_has_path = true;
      facts.image_path_executable = false;
      return {Comparison::same_as_image_path};
    case Reason::relocated:
      return {Comparison::same_as_other_file};
    case Reason::volume:
      facts.layer = Layer::volume;
      return {Comparison::unknown_to_image};
    case Reason::fileless:
      facts.layer = Layer::memfd;
      return {Comparison::unknown_to_image};
    case Reason::loader:
      facts.loader = true;
      return {Comparison::image_identity};
    case Reason::library:
      facts.library = true;
      return {Comparison::unknown_to_image};
    case Reason::prohibited:
    case Reason::unmediated:
      break;
  }
  if (facts.layer == Layer::upper || facts.layer == Layer::image) return comparisons_on_root(alert, facts.layer);
  return {Comparison::unknown_to_image};
}

/// Beyond the root, rules go by the path only where the runtime has mounted the file system, which alerts do not tell.
bool has_doubtful_path(const Facts& facts) {
  return !facts.path.empty() &&
         (facts.layer == Layer::volume || facts.layer == Layer::tmpfs || facts.layer == Layer::other);
}

}  // namespace

std::optional<Layer> parse_layer(std::string_view text) {
  for (const Layer layer : {Layer::upper, Layer::image, Layer::volume, Layer::memfd, Layer::tmpfs, Layer::other}) {
    if (to_string(layer) == text) return layer;
  }
  return std::nullopt;
}

std::vector<PossibleFacts> possible_facts(const alert::Record& record, Reason reason) {
  PossibleFacts first;
  Facts& facts = first.facts;
  const alert::FileInfo file = record.alert.file.value_or(alert::FileInfo());
  facts.layer = parse_layer(file.layer).value_or(Layer::other);
  facts.size = file.size.value_or(0);
  facts.sha256 = parse_sha256(file.sha256);
  if (record.alert.image_file) {
    facts.image_has_path = true;
    facts.image_path_executable = (record.alert.image_file->mode & 0111U) != 0;
  }
  const auto comparisons = settle(facts, record.alert, reason);
  first.path_cut = is_cut(record, "file.path");
  // Shown for people only: a file without a name has none that rules go by.
  if (!file.path.ends_with(" (deleted)") && facts.layer != Layer::memfd) facts.path = file.path;

  std::vector<PossibleFacts> all;
  for (const Comparison comparison : comparisons) {
    PossibleFacts one = first;
    one.facts.comparison = comparison;
    if (!all.empty()) one.assumption = "whether it has the bytes of a program of the image";
    all.push_back(std::move(one));
  }
  if (!has_doubtful_path(facts)) return all;
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    PossibleFacts one = all[i];
    one.facts.path.clear();
    one.assumption = "whether the runtime mounted the file system that it lay on: else no rule goes by its path";
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace holdfast::verdict
