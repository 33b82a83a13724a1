#include "holdfast/verdict/facts.h"

namespace holdfast::verdict {

using policy::Reason;

std::string_view to_string(Layer layer) {
  switch (layer) {
    case Layer::upper:
      return "upper";
    case Layer::image:
      return "image";
    case Layer::volume:
      return "volume";
    case Layer::memfd:
      return "memfd";
    case Layer::tmpfs:
      return "tmpfs";
    case Layer::other:
      return "";
  }
  return "unknown";
}

namespace {

bool on_root(Layer layer) { return layer == Layer::upper || layer == Layer::image; }

bool is_image_content(const Facts& facts) {
  return facts.comparison == Comparison::image_identity || facts.comparison == Comparison::same_as_image_path;
}

/// By content, for files on the container's own root file system.
std::optional<Reason> classify_by_content(const Facts& facts) {
  switch (facts.comparison) {
    case Comparison::image_identity:
      return std::nullopt;
    case Comparison::same_as_image_path:
      if (facts.image_path_executable) return std::nullopt;
      return Reason::made_executable;
    case Comparison::same_as_other_file:
      return Reason::relocated;
    case Comparison::differs_from_path:
      return Reason::modified;
    case Comparison::unknown_to_image:
      return Reason::added;
    case Comparison::writer_present:
      return facts.image_has_path ? Reason::modified : Reason::added;
  }
  return Reason::added;
}

/// What an image's loader is told to load is no part of the verdict on the loader: that it was executed itself weighs
/// more than where its bytes come from, unless those drifted.
std::optional<Reason> classify_on_root(const Facts& facts) {
  const auto reason = classify_by_content(facts);
  const bool lenient = !reason || reason == Reason::relocated || reason == Reason::made_executable;
  return facts.loader && lenient ? Reason::loader : reason;
}

}  // namespace

std::optional<Reason> classify(const Facts& facts) {
  if (facts.prohibited) return Reason::prohibited;
  if (facts.layer == Layer::memfd) return Reason::fileless;
  // Beyond the root nothing is the image's, whatever inode number and times a file shows there.
  if (facts.library) {
    if (on_root(facts.layer) && is_image_content(facts)) return std::nullopt;
    return Reason::library;
  }
  if (facts.layer == Layer::volume) return Reason::volume;
  if (!on_root(facts.layer)) return Reason::added;
  return classify_on_root(facts);
}

}  // namespace holdfast::verdict
