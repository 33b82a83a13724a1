#pragma once

#include <sys/types.h>

#include <string>

#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::policy {

/// Who else may have written a file. What decides for the service must come from root, or from who runs it; what is
/// only checked (`holdfast policy check`) may come from anybody.
enum class Trust { anyone, administrator };

/// Nothing else than root, or whoever runs this, may own or write what `fd` is.
[[nodiscard]] Result<void> require_administrator(int fd, const std::string& name);

/// A regular file of at most 1 MiB, whole. `name` is relative to `directory` (AT_FDCWD) as for openat(2); `shown` names
/// it in errors.
[[nodiscard]] Result<std::string> read_file(int directory, const std::string& name, const std::string& shown,
                                            Trust trust);

}  // namespace holdfast::policy
