#pragma once

#include <sys/un.h>

#include <string>

#include "holdfast/base/result.h"

namespace holdfast::control {

/// The socket address of a path; ENAMETOOLONG past what the kernel takes (107 bytes).
[[nodiscard]] Result<sockaddr_un> unix_address(const std::string& path);

/// connect(2) with the cast that it asks for; 0 or an errno value.
[[nodiscard]] int connect_unix(int fd, const sockaddr_un& address);

}  // namespace holdfast::control
