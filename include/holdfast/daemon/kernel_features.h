#pragma once

#include <string>
#include <vector>

#include "holdfast/base/result.h"

namespace holdfast::daemon {

/// Something a kernel may lack, probed when the service starts; named by `holdfast status`.
struct KernelFeature {
  std::string name;
  bool present = false;
  std::string consequence;  ///< of its lack, as a sentence part: "image views are mounted by path"
};
using KernelFeatures = std::vector<KernelFeature>;

/// One clear sentence if this kernel cannot carry Holdfast at all (older than 6.1, or without permission events).
[[nodiscard]] Result<void> check_kernel();
[[nodiscard]] KernelFeatures probe_kernel_features();

}  // namespace holdfast::daemon
