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
  }
  return "unknown";
}

namespace {

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

}  // namespace

std::optional<Reason> classify(const Facts& facts) {
  if (facts.prohibited) return Reason::prohibited;
  // Elsewhere nothing is the image's, whatever inode number and times a file shows there.
  if (facts.layer == Layer::volume) return Reason::volume;
  if (facts.layer == Layer::memfd) return Reason::fileless;
  if (facts.layer == Layer::tmpfs) return Reason::added;
  return classify_by_content(facts);
}

}  // namespace holdfast::verdict
