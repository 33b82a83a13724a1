#include "holdfast/container/oci.h"
#include "holdfast/container/state_files.h"

#include "json_read.h"

namespace holdfast::container {
namespace {

std::string find(const std::map<std::string, std::string>& in, const std::string& key) {
  const auto at = in.find(key);
  return at == in.end() ? std::string{} : at->second;
}

void take(std::string& field, std::string value) {
  if (field.empty()) field = std::move(value);
}

/// containerd's CRI plug-in.
void from_containerd(const std::map<std::string, std::string>& annotations, Names& names) {
  const auto cri = [&](const char* key) { return find(annotations, std::string("io.kubernetes.cri.") + key); };
  take(names.name, cri("container-name"));
  take(names.image, cri("image-name"));
  take(names.pod, cri("sandbox-name"));
  take(names.name_space, cri("sandbox-namespace"));
  // The pause container has neither name nor image in its annotations.
  if (names.name.empty() && cri("container-type") == "sandbox") names.name = cri("sandbox-name");
}

/// CRI-O. Podman writes some of the same keys into its own containers, with other meanings (runtimes.md).
void from_crio(const std::map<std::string, std::string>& annotations, Names& names) {
  if (find(annotations, "io.container.manager") != "cri-o") return;
  take(names.name, find(annotations, "io.kubernetes.container.name"));
  take(names.image, find(annotations, "io.kubernetes.cri-o.ImageName"));
  take(names.pod, find(annotations, "io.kubernetes.pod.name"));
  take(names.name_space, find(annotations, "io.kubernetes.pod.namespace"));
  if (const auto labels = parse_json(find(annotations, "io.kubernetes.cri-o.Labels")); labels && labels->is_object()) {
    for (const auto& label : labels->get_object()) {
      const auto* text = label.value().if_string();
      if (text != nullptr && names.labels.size() < kMaxLabels) {
        names.labels.emplace(std::string(label.key()), std::string(text->data(), text->size()));
      }
    }
  }
}

}  // namespace

void apply_annotations(const std::map<std::string, std::string>& annotations, Names& names) {
  from_crio(annotations, names);
  from_containerd(annotations, names);
  for (const auto& [key, value] : annotations) {
    if (key.starts_with("io.kubernetes.cri") || names.labels.size() >= kMaxLabels) continue;
    names.labels.emplace(key, value);
  }
}

}  // namespace holdfast::container
