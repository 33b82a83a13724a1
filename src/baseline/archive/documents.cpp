#include "documents.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "holdfast/base/text.h"

#include "limits.h"

namespace holdfast::baseline {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostInAText = 4096;  ///< bytes of a reference, a media type or a name

Result<json::value> parse(std::string_view text) {
  if (text.size() > kMostDocument) return Error{EFBIG, "it is too large"};
  json::parse_options options;
  options.max_depth = kMostJsonDepth;
  json::error_code failed;
  auto value = json::parse({text.data(), text.size()}, failed, {}, options);
  if (failed) return Error{EINVAL, fmt::format("it is not valid JSON: {}", failed.message())};
  return value;
}

Result<json::object> parse_object(std::string_view text) {
  auto value = parse(text);
  if (!value) return value.error();
  if (!value->is_object()) return Error{EINVAL, "it is no JSON object"};
  return std::move(value->as_object());
}

Result<const json::value*> member(const json::object& in, std::string_view key) {
  const json::value* const found = in.if_contains({key.data(), key.size()});
  if (found == nullptr) return Error{EINVAL, fmt::format("it has no \"{}\"", key)};
  return found;
}

Result<std::string> to_text(const json::value& value, std::string_view what) {
  const json::string* const text = value.if_string();
  if (text == nullptr || text->size() > kMostInAText) return Error{EINVAL, fmt::format("its \"{}\" is no text", what)};
  return std::string(text->data(), text->size());
}

/// Absent, or null: empty.
Result<std::string> text_at(const json::object& in, std::string_view key) {
  const json::value* const found = in.if_contains({key.data(), key.size()});
  if (found == nullptr || found->is_null()) return std::string();
  return to_text(*found, key);
}

Result<const json::array*> list_at(const json::object& in, std::string_view key, std::size_t most) {
  auto found = member(in, key);
  if (!found) return found.error();
  const json::array* const list = (*found)->if_array();
  if (list == nullptr) return Error{EINVAL, fmt::format("its \"{}\" is no list", key)};
  if (list->size() > most) return Error{EFBIG, fmt::format("its \"{}\" has more than {} members", key, most)};
  return list;
}

Result<Sha256> to_digest(const json::value& value, std::string_view what) {
  auto text = to_text(value, what);
  if (!text) return text.error();
  constexpr std::string_view kAlgorithm = "sha256:";
  const auto digest =
      text->starts_with(kAlgorithm) ? parse_sha256(std::string_view(*text).substr(kAlgorithm.size())) : std::nullopt;
  if (!digest)
    return Error{EINVAL, fmt::format("its \"{}\" '{}' is no SHA-256 digest", what, shorten(printable(*text), 80))};
  return *digest;
}

Result<Platform> platform_of(const json::object& in) {
  Platform platform;
  const std::array<std::pair<std::string_view, std::string*>, 3> members{
      {{"os", &platform.os}, {"architecture", &platform.architecture}, {"variant", &platform.variant}}};
  for (const auto& [key, to] : members) {
    auto text = text_at(in, key);
    if (!text) return text.error();
    *to = std::move(*text);
  }
  return platform;
}

/// containerd gives the whole reference an annotation of its own, where the standard one is the tag only.
Result<std::string> name_of(const json::object& annotations) {
  for (const std::string_view key : {"io.containerd.image.name", "org.opencontainers.image.ref.name"}) {
    auto text = text_at(annotations, key);
    if (!text || !text->empty()) return text;
  }
  return std::string();
}

Result<Descriptor> to_descriptor(const json::value& value) {
  const json::object* const in = value.if_object();
  if (in == nullptr) return Error{EINVAL, "a descriptor is no JSON object"};
  Descriptor out;
  auto media_type = text_at(*in, "mediaType");
  if (!media_type) return media_type.error();
  out.media_type = std::move(*media_type);
  auto digest_text = member(*in, "digest");
  if (!digest_text) return digest_text.error();
  auto digest = to_digest(**digest_text, "digest");
  if (!digest) return digest.error();
  out.digest = *digest;
  auto size = member(*in, "size");
  if (!size) return size.error();
  json::error_code failed;
  out.size = (*size)->to_number<std::uint64_t>(failed);
  if (failed) return Error{EINVAL, "a descriptor's \"size\" is no number of bytes"};
  if (const json::value* platform = in->if_contains("platform"); platform != nullptr && platform->is_object()) {
    auto read = platform_of(platform->get_object());
    if (!read) return read.error();
    out.platform = std::move(*read);
  }
  if (const json::value* annotations = in->if_contains("annotations");
      annotations != nullptr && annotations->is_object()) {
    auto name = name_of(annotations->get_object());
    if (!name) return name.error();
    out.name = std::move(*name);
  }
  return out;
}

Result<std::vector<Descriptor>> descriptors_at(const json::object& in, std::string_view key, std::size_t most) {
  auto list = list_at(in, key, most);
  if (!list) return list.error();
  std::vector<Descriptor> out;
  for (const json::value& value : **list) {
    auto descriptor = to_descriptor(value);
    if (!descriptor) return descriptor.error();
    out.push_back(std::move(*descriptor));
  }
  return out;
}

Result<std::vector<std::string>> texts_at(const json::object& in, std::string_view key, std::size_t most) {
  auto list = list_at(in, key, most);
  if (!list) return list.error();
  std::vector<std::string> out;
  for (const json::value& value : **list) {
    auto text = to_text(value, key);
    if (!text) return text.error();
    out.push_back(std::move(*text));
  }
  return out;
}

bool is_layer(std::string_view media_type) {
  static constexpr std::array<std::string_view, 10> kLayers = {
      "application/vnd.oci.image.layer.v1.tar",
      "application/vnd.oci.image.layer.v1.tar+gzip",
      "application/vnd.oci.image.layer.v1.tar+zstd",
      "application/vnd.oci.image.layer.nondistributable.v1.tar",
      "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
      "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
      "application/vnd.docker.image.rootfs.diff.tar",
      "application/vnd.docker.image.rootfs.diff.tar.gzip",
      "application/vnd.docker.image.rootfs.diff.tar.zstd",
      "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  };
  return std::find(kLayers.begin(), kLayers.end(), media_type) != kLayers.end();
}

}  // namespace

bool Descriptor::is_index() const {
  return media_type == "application/vnd.oci.image.index.v1+json" ||
         media_type == "application/vnd.docker.distribution.manifest.list.v2+json";
}

bool Descriptor::is_manifest() const {
  return media_type == "application/vnd.oci.image.manifest.v1+json" ||
         media_type == "application/vnd.docker.distribution.manifest.v2+json";
}

Result<Platform> parse_platform(std::string_view text) {
  Platform platform;
  const std::array<std::string*, 3> parts = {&platform.os, &platform.architecture, &platform.variant};
  std::size_t count = 0;
  for (std::string_view rest = text; count < parts.size();) {
    const std::size_t end = rest.find('/');
    *parts[count++] = rest.substr(0, end);
    if (end == std::string_view::npos) {
      rest = {};
      const bool whole = count >= 2 && platform.known() && !parts[count - 1]->empty();
      if (whole) return platform;
      break;
    }
    rest.remove_prefix(end + 1);
  }
  return Error{EINVAL, fmt::format("'{}' is no platform; it would be like linux/amd64 or linux/arm/v7",
                                   shorten(printable(text), 80))};
}

std::string to_string(const Platform& platform) {
  if (!platform.known()) return {};
  const std::string two = platform.os + '/' + platform.architecture;
  return platform.variant.empty() ? two : two + '/' + platform.variant;
}

bool fits(const Platform& has, const Platform& wanted) {
  return has.os == wanted.os && has.architecture == wanted.architecture &&
         (wanted.variant.empty() || has.variant == wanted.variant);
}

Result<std::vector<Descriptor>> parse_index(std::string_view text) {
  auto object = parse_object(text);
  if (!object) return object.error();
  return descriptors_at(*object, "manifests", kMostManifests);
}

Result<Manifest> parse_manifest(std::string_view text) {
  auto object = parse_object(text);
  if (!object) return object.error();
  auto config = member(*object, "config");
  if (!config) return config.error();
  auto descriptor = to_descriptor(**config);
  if (!descriptor) return descriptor.error();
  auto layers = descriptors_at(*object, "layers", kMostLayers);
  if (!layers) return layers.error();
  for (const Descriptor& layer : *layers) {
    if (!is_layer(layer.media_type)) {
      return Error{EINVAL, fmt::format("a layer is of a type that Holdfast does not read: '{}'",
                                       shorten(printable(layer.media_type), 120))};
    }
  }
  return Manifest{std::move(*descriptor), std::move(*layers)};
}

Result<ImageConfig> parse_config(std::string_view text) {
  auto object = parse_object(text);
  if (!object) return object.error();
  auto platform = platform_of(*object);
  if (!platform) return platform.error();
  auto rootfs = member(*object, "rootfs");
  if (!rootfs) return rootfs.error();
  if (!(*rootfs)->is_object()) return Error{EINVAL, "its \"rootfs\" is no JSON object"};
  auto list = list_at((*rootfs)->get_object(), "diff_ids", kMostLayers);
  if (!list) return list.error();
  ImageConfig config{std::move(*platform), {}};
  for (const json::value& value : **list) {
    auto digest = to_digest(value, "diff_ids");
    if (!digest) return digest.error();
    config.diff_ids.push_back(*digest);
  }
  return config;
}

Result<std::vector<DockerImage>> parse_docker_manifest(std::string_view text) {
  auto value = parse(text);
  if (!value) return value.error();
  const json::array* const list = value->if_array();
  if (list == nullptr || list->size() > kMostManifests) return Error{EINVAL, "it is no list of images"};
  std::vector<DockerImage> images;
  for (const json::value& one : *list) {
    const json::object* const in = one.if_object();
    if (in == nullptr) return Error{EINVAL, "an image of it is no JSON object"};
    auto config = text_at(*in, "Config");
    if (!config) return config.error();
    auto layers = texts_at(*in, "Layers", kMostLayers);
    if (!layers) return layers.error();
    DockerImage image{std::move(*config), {}, std::move(*layers)};
    if (const json::value* tags = in->if_contains("RepoTags"); tags != nullptr && !tags->is_null()) {
      auto texts = texts_at(*in, "RepoTags", kMostManifests);
      if (!texts) return texts.error();
      image.tags = std::move(*texts);
    }
    images.push_back(std::move(image));
  }
  return images;
}

}  // namespace holdfast::baseline
