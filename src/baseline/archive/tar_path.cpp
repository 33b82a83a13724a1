#include "tar_path.h"

#include <cerrno>

#include "limits.h"

namespace holdfast::baseline {

Result<std::vector<std::string_view>> tar_path(std::string_view name) {
  if (name.size() > kMostPathBytes) return Error{ENAMETOOLONG, "its name is too long"};
  const bool absolute = name.starts_with('/');
  std::vector<std::string_view> parts;
  while (!name.empty()) {
    const std::size_t end = name.find('/');
    const std::string_view part = name.substr(0, end);
    name.remove_prefix(end == std::string_view::npos ? name.size() : end + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (parts.empty() && !absolute) return Error{EINVAL, "its name leaves the image"};
      if (!parts.empty()) parts.pop_back();
      continue;
    }
    if (part.size() > kMostName) return Error{ENAMETOOLONG, "a part of its name is too long"};
    parts.push_back(part);
  }
  return parts;
}

}  // namespace holdfast::baseline
