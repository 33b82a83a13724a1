#pragma once

#include <seccomp.h>

#include <span>

namespace holdfast::daemon {

/// System calls of one purpose. Numbers are this architecture's; libseccomp gives those that it does not have a
/// negative one.
struct AllowedCalls {
  const char* purpose;
  std::span<const int> calls;
};

/// What the service may call, whatever the arguments. A purpose has the whole family of calls that serve it, old and
/// new: which of them a libc or a library uses is theirs to choose, and changes with their versions.
[[nodiscard]] std::span<const AllowedCalls> allowed_calls();

/// What it may call with some arguments only.
struct AllowedIf {
  int call;
  scmp_arg_cmp argument;
};
[[nodiscard]] std::span<const AllowedIf> allowed_if();

}  // namespace holdfast::daemon
