#include "choose_image.h"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"

#include "../hasher.h"
#include "limits.h"

namespace holdfast::baseline {
namespace {

constexpr std::size_t kMostShown = 200;

Error in(std::string_view document, const Error& error) {
  return {error.code, fmt::format("{}: {}", printable(document), error.message)};
}

Result<std::string> required(ImageSource& source, const std::string& name) {
  auto text = source.document(name);
  if (!text) return text.error();
  if (!*text) return Error{ENOENT, fmt::format("{} is missing", printable(name))};
  return std::move(**text);
}

Result<std::string> verified(ImageSource& source, const Descriptor& descriptor) {
  auto text = required(source, descriptor.blob());
  if (!text) return text;
  if (text->size() != descriptor.size)
    return in(descriptor.blob(), {EINVAL, "it is not of the size that is said of it"});
  if (hash_bytes(*text) != descriptor.digest)
    return in(descriptor.blob(), {EINVAL, "its content is not what its digest says"});
  return text;
}

/// An image on its way of being chosen.
struct Candidate {
  std::vector<std::string> names;
  std::string digest;
  Platform platform;  ///< as far as it is known without a look at its configuration
  Descriptor manifest;
  DockerImage docker;
};

Result<void> gather(ImageSource& source, const std::vector<Descriptor>& index, const std::string& inherited,
                    std::size_t depth, std::vector<Candidate>& found) {
  if (depth > kMostIndexDepth) return Error{EINVAL, "its indexes lie too deep in each other"};
  for (const Descriptor& one : index) {
    const std::string& name = one.name.empty() ? inherited : one.name;
    if (one.is_index()) {
      auto text = verified(source, one);
      if (!text) return text.error();
      auto below = parse_index(*text);
      if (!below) return in(one.blob(), below.error());
      if (auto done = gather(source, *below, name, depth + 1, found); !done) return done;
    } else if (one.is_manifest()) {
      if (found.size() >= kMostManifests) return Error{EFBIG, "it has too many images"};
      Candidate& candidate = found.emplace_back();
      if (!name.empty()) candidate.names.push_back(name);
      candidate.digest = "sha256:" + to_hex(one.digest);
      candidate.platform = one.platform;
      candidate.manifest = one;
    }
  }
  return {};
}

bool means(std::string_view reference, std::string_view wanted) {
  return reference == wanted || (reference.size() > wanted.size() && reference.ends_with(wanted) &&
                                 reference[reference.size() - wanted.size() - 1] == '/');
}

bool is_called(const Candidate& candidate, const std::string& wanted) {
  return candidate.digest == wanted ||
         std::any_of(candidate.names.begin(), candidate.names.end(),
                     [&](const auto& name) { return means(name, wanted) || means(name, wanted + ":latest"); });
}

std::string listing_of(const std::vector<Candidate>& candidates) {
  std::string text;
  for (const Candidate& candidate : candidates) {
    const std::string platform = to_string(candidate.platform);
    text += fmt::format("{}{}{}{}", text.empty() ? "" : ", ",
                        candidate.names.empty() ? candidate.digest : printable(candidate.names[0]),
                        platform.empty() ? "" : " for ", printable(platform));
  }
  return shorten(text, kMostShown);
}

/// Drops what is not called so, and what is for another platform.
Result<void> narrow(std::vector<Candidate>& candidates, const ArchiveOptions& options) {
  const std::vector<Candidate> all = candidates;
  if (all.empty()) return Error{ENOENT, "it has no image"};
  if (!options.image.empty()) {
    std::erase_if(candidates, [&](const auto& one) { return !is_called(one, options.image); });
    if (candidates.empty()) {
      return Error{ENOENT, fmt::format("it has no image '{}', but {}", printable(options.image), listing_of(all))};
    }
  }
  if (options.platform.empty() && candidates.size() == 1) return {};
  auto wanted = parse_platform(options.platform.empty() ? host_platform() : options.platform);
  if (!wanted) return wanted.error();
  const std::vector<Candidate> before = candidates;
  std::erase_if(candidates, [&](const auto& one) { return one.platform.known() && !fits(one.platform, *wanted); });
  if (candidates.empty()) {
    return Error{ENOENT, fmt::format("it has no image for {}, but {}", to_string(*wanted), listing_of(before))};
  }
  return {};
}

/// The same image may be listed more than once.
void unite(std::vector<Candidate>& candidates) {
  std::vector<Candidate> united;
  for (Candidate& one : candidates) {
    const auto same =
        std::find_if(united.begin(), united.end(), [&](const auto& other) { return other.digest == one.digest; });
    if (same == united.end()) {
      united.push_back(std::move(one));
      continue;
    }
    for (auto& name : one.names) {
      if (std::find(same->names.begin(), same->names.end(), name) == same->names.end())
        same->names.push_back(std::move(name));
    }
  }
  candidates = std::move(united);
}

Result<Candidate> only_one(std::vector<Candidate> candidates, const ArchiveOptions& options) {
  unite(candidates);
  if (auto done = narrow(candidates, options); !done) return done.error();
  if (candidates.size() == 1) return std::move(candidates.front());
  return Error{ENOTUNIQ, fmt::format("it has several images: {}; say which one is meant (--image, --platform)",
                                     listing_of(candidates))};
}

Result<ImageConfig> config_of(const std::string& name, const std::string& text, const Candidate& candidate,
                              std::size_t layers) {
  auto config = parse_config(text);
  if (!config) return in(name, config.error());
  if (config->diff_ids.size() != layers) {
    return in(name,
              {EINVAL, fmt::format("it has {} layers where its manifest has {}", config->diff_ids.size(), layers)});
  }
  if (!config->platform.known()) config->platform = candidate.platform;
  return config;
}

Result<ImageConfig> oci_config(ImageSource& source, const Candidate& candidate, Manifest& manifest) {
  auto text = verified(source, candidate.manifest);
  if (!text) return text.error();
  auto parsed = parse_manifest(*text);
  if (!parsed) return in(candidate.manifest.blob(), parsed.error());
  manifest = std::move(*parsed);
  auto config = verified(source, manifest.config);
  if (!config) return config.error();
  return config_of(manifest.config.blob(), *config, candidate, manifest.layers.size());
}

/// The name of a docker archive's configuration is its digest, with ".json" or below "blobs/sha256/".
Result<ImageConfig> docker_config(ImageSource& source, Candidate& candidate) {
  const std::string& name = candidate.docker.config;
  auto text = required(source, name);
  if (!text) return text.error();
  std::string_view stem = std::string_view(name).substr(name.rfind('/') + 1);
  if (stem.ends_with(".json")) stem.remove_suffix(5);
  const auto digest = parse_sha256(stem);
  if (!digest) return in(name, {EINVAL, "it is not named by its digest"});
  if (hash_bytes(*text) != *digest) return in(name, {EINVAL, "its content is not what its digest says"});
  candidate.digest = "sha256:" + to_hex(*digest);
  return config_of(name, *text, candidate, candidate.docker.layers.size());
}

Result<ChosenImage> choose_oci(ImageSource& source, const std::string& index_text, const ArchiveOptions& options) {
  auto index = parse_index(index_text);
  if (!index) return in("index.json", index.error());
  std::vector<Candidate> candidates;
  if (auto done = gather(source, *index, {}, 0, candidates); !done) return done.error();
  // Where the index does not say what an image is for, the image does.
  for (Candidate& candidate : candidates) {
    Manifest manifest;
    if (candidate.platform.known()) continue;
    auto config = oci_config(source, candidate, manifest);
    if (!config) return config.error();
    candidate.platform = config->platform;
  }
  auto chosen = only_one(std::move(candidates), options);
  if (!chosen) return chosen.error();
  Manifest manifest;
  auto config = oci_config(source, *chosen, manifest);
  if (!config) return config.error();
  ChosenImage image{chosen->names, chosen->digest, config->platform, {}};
  for (std::size_t i = 0; i < manifest.layers.size(); ++i) {
    const Descriptor& layer = manifest.layers[i];
    image.layers.push_back({source.own_name(layer.blob()), layer.digest, layer.size, config->diff_ids[i]});
  }
  return image;
}

Result<ChosenImage> choose_docker(ImageSource& source, const std::string& text, const ArchiveOptions& options) {
  auto images = parse_docker_manifest(text);
  if (!images) return in("manifest.json", images.error());
  std::vector<Candidate> candidates;
  for (DockerImage& one : *images) {
    Candidate& candidate = candidates.emplace_back();
    candidate.names = one.tags;
    candidate.docker = std::move(one);
    auto config = docker_config(source, candidate);
    if (!config) return config.error();
    candidate.platform = config->platform;
  }
  auto chosen = only_one(std::move(candidates), options);
  if (!chosen) return chosen.error();
  auto config = docker_config(source, *chosen);
  if (!config) return config.error();
  ChosenImage image{chosen->names, chosen->digest, config->platform, {}};
  for (std::size_t i = 0; i < chosen->docker.layers.size(); ++i) {
    image.layers.push_back(
        {source.own_name(chosen->docker.layers[i]), std::nullopt, std::nullopt, config->diff_ids[i]});
  }
  return image;
}

}  // namespace

std::string host_platform() {
  // The kernel's names and those of image platforms, which are Go's.
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kNames = {{{"x86_64", "amd64"},
                                                                                           {"aarch64", "arm64"},
                                                                                           {"armv7l", "arm/v7"},
                                                                                           {"armv6l", "arm/v6"},
                                                                                           {"i686", "386"},
                                                                                           {"ppc64le", "ppc64le"},
                                                                                           {"riscv64", "riscv64"},
                                                                                           {"s390x", "s390x"},
                                                                                           {"loongarch64", "loong64"}}};
  utsname name{};
  const std::string_view machine = ::uname(&name) == 0 ? std::string_view(&name.machine[0]) : std::string_view();
  for (const auto& [kernel, go] : kNames) {
    if (kernel == machine) return fmt::format("linux/{}", go);
  }
  return fmt::format("linux/{}", machine);
}

Result<ChosenImage> choose_image(ImageSource& source, const ArchiveOptions& options) {
  // Newer Docker writes both; the layout has a digest for everything.
  auto index = source.document("index.json");
  if (!index) return index.error();
  if (*index) return choose_oci(source, **index, options);
  auto manifest = source.document("manifest.json");
  if (!manifest) return manifest.error();
  if (*manifest) return choose_docker(source, **manifest, options);
  return Error{EINVAL, "it is neither an OCI image layout (no index.json) nor a docker archive (no manifest.json)"};
}

}  // namespace holdfast::baseline
