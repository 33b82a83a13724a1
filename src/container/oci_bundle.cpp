#include <cerrno>

#include "holdfast/container/oci.h"

#include "json_read.h"

namespace holdfast::container {

Result<BundleConfig> parse_bundle_config(std::string_view text) {
  if (text.size() > kBundleLimit) return errno_error(EFBIG, "config.json");
  const auto value = parse_json(text);
  if (!value) return value.error();
  const auto* top = value->if_object();
  if (top == nullptr) return Error{EINVAL, "config.json is not an object"};
  BundleConfig config;
  if (const auto* root = object_at(*top, "root")) config.root_path = string_at(*root, "path");
  if (config.root_path.empty()) config.root_path = "rootfs";
  if (config.root_path.find('\0') != std::string::npos) return Error{EINVAL, "config.json: root.path holds a NUL"};
  config.annotations = strings_at(*top, "annotations", kMaxLabels);
  return config;
}

}  // namespace holdfast::container
