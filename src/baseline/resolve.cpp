#include "resolve.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>

#include <fmt/format.h>

#include "holdfast/base/text.h"

namespace holdfast::baseline {
namespace {

bool names(std::string_view reference, std::string_view text) {
  if (reference == text) return true;
  return reference.size() > text.size() && reference.ends_with(text) &&
         reference[reference.size() - text.size() - 1] == '/';
}

bool has_reference(const StoredImage& image, std::string_view text) {
  const std::string tagged = std::string(text) + ":latest";
  return std::any_of(image.references.begin(), image.references.end(),
                     [&](const std::string& reference) { return names(reference, text) || names(reference, tagged); });
}

bool has_exact(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool has_digest(const StoredImage& image, std::string_view text) {
  return has_exact(image.digests, text) || has_exact(image.digests, "sha256:" + std::string(text));
}

}  // namespace

Result<std::string> resolve_image(const std::vector<StoredImage>& images, std::string_view text) {
  using Fits = std::function<bool(const StoredImage&)>;
  const std::array<Fits, 5> kinds = {
      [&](const StoredImage& image) { return image.record.key == text; },
      [&](const StoredImage& image) { return has_exact(image.references, text); },
      [&](const StoredImage& image) { return has_reference(image, text); },
      [&](const StoredImage& image) { return has_digest(image, text); },
      [&](const StoredImage& image) { return image.record.key.starts_with(text); },
  };
  for (const Fits& fits : kinds) {
    if (text.empty()) break;
    const auto first = std::find_if(images.begin(), images.end(), fits);
    if (first == images.end()) continue;
    const auto second = std::find_if(first + 1, images.end(), fits);
    if (second == images.end()) return first->record.key;
    return Error{ENOTUNIQ, fmt::format("'{}' fits several images, among them {} and {}", printable(text),
                                       first->record.key.substr(0, 16), second->record.key.substr(0, 16))};
  }
  return Error{ENOENT, fmt::format("no image with reference, digest or id '{}'", printable(text))};
}

}  // namespace holdfast::baseline
