#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "holdfast/base/sha256.h"

#include "../../src/baseline/hasher.h"
#include "temp_tree.h"

namespace holdfast::test {

inline std::string sha256_of(const std::string& bytes) { return to_hex(baseline::hash_bytes(bytes)); }

/// A ustar archive, entry by entry: what no honest tool would write, too.
class TarMaker {
 public:
  TarMaker& entry(const std::string& name, char type, const std::string& content = {}, unsigned mode = 0755,
                  const std::string& link = {}) {
    std::string header(512, '\0');
    const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
    put(0, name.substr(0, 100));
    put(100, fmt::format("{:07o}", mode));
    put(108, "0000000");
    put(116, "0000000");
    put(124, fmt::format("{:011o}", content.size()));
    put(136, "00000000000");
    put(148, "        ");
    header[156] = type;
    put(157, link.substr(0, 100));
    put(257, std::string("ustar\0"
                         "00",
                         8));
    put(329, "0000000");
    put(337, "0000000");
    const unsigned sum = std::accumulate(header.begin(), header.end(), 0U,
                                         [](unsigned all, char c) { return all + static_cast<unsigned char>(c); });
    put(148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
    bytes_ += header + content + std::string((512 - content.size() % 512) % 512, '\0');
    return *this;
  }
  TarMaker& file(const std::string& name, const std::string& content, unsigned mode = 0755) {
    return entry(name, '0', content, mode);
  }
  TarMaker& folder(const std::string& name) { return entry(name, '5'); }
  TarMaker& symlink(const std::string& name, const std::string& target) { return entry(name, '2', {}, 0777, target); }
  TarMaker& hard_link(const std::string& name, const std::string& target, unsigned mode = 0755) {
    return entry(name, '1', {}, mode, target);
  }
  [[nodiscard]] std::string bytes() const { return bytes_ + std::string(1024, '\0'); }

 private:
  std::string bytes_;
};

/// The parts of an OCI image layout, each of which a test may spoil before it is written.
struct LayoutMaker {
  std::map<std::string, std::string> members{{"oci-layout", R"({"imageLayoutVersion":"1.0.0"})"}};
  std::string manifests;  ///< of index.json

  std::string blob(const std::string& content, const std::string& media_type, const std::string& more = {}) {
    members["blobs/sha256/" + sha256_of(content)] = content;
    return fmt::format(R"({{"mediaType":"{}","digest":"sha256:{}","size":{}{}}})", media_type, sha256_of(content),
                       content.size(), more);
  }
  static constexpr const char* kConfig = "application/vnd.oci.image.config.v1+json";
  static constexpr const char* kManifest = "application/vnd.oci.image.manifest.v1+json";
  static constexpr const char* kIndex = "application/vnd.oci.image.index.v1+json";

  static std::string config(const std::vector<std::string>& layers, const std::string& architecture = "amd64") {
    std::string ids;
    for (const auto& layer : layers) ids += (ids.empty() ? "" : ",") + fmt::format(R"("sha256:{}")", sha256_of(layer));
    return fmt::format(R"({{"os":"linux","architecture":"{}","rootfs":{{"type":"layers","diff_ids":[{}]}}}})",
                       architecture, ids);
  }
  /// A descriptor of an image whose layers are these tars, as they are.
  std::string image(const std::vector<std::string>& layers, const std::string& more = {},
                    const std::string& architecture = "amd64") {
    std::string list;
    for (const auto& layer : layers) {
      list += (list.empty() ? "" : ",") + blob(layer, "application/vnd.oci.image.layer.v1.tar");
    }
    return manifest(blob(config(layers, architecture), kConfig), list, more);
  }
  std::string manifest(const std::string& config_descriptor, const std::string& list, const std::string& more = {}) {
    return blob(fmt::format(R"({{"schemaVersion":2,"config":{},"layers":[{}]}})", config_descriptor, list), kManifest,
                more);
  }
  void add(const std::string& descriptor) { manifests += (manifests.empty() ? "" : ",") + descriptor; }

  std::string write(const TempTree& tree, const std::string& folder) {
    if (!members.contains("index.json"))
      members["index.json"] = R"({"schemaVersion":2,"manifests":[)" + manifests + "]}";
    for (const auto& [name, content] : members) tree.file(folder + "/" + name, content, 0644);
    return tree / folder;
  }
  std::string tar() {
    TarMaker tar;
    if (!members.contains("index.json"))
      members["index.json"] = R"({"schemaVersion":2,"manifests":[)" + manifests + "]}";
    for (const auto& [name, content] : members) tar.file(name, content, 0644);
    return tar.bytes();
  }
};

}  // namespace holdfast::test
