#pragma once

#include "holdfast/base/identity.h"

namespace holdfast::baseline {

/// How old a ctime must be when a file is looked at, so that any later change must show in it: kernel fact 16, several
/// ticks of the coarsest clock that file systems use.
inline constexpr FileTime kProofAge = 20'000'000;

/// The wall clock, as file systems read it.
[[nodiscard]] FileTime wall_now();

/// Whether `identity`, seen at `seen`, proves the bytes from then on. A ctime in the future proves nothing.
[[nodiscard]] constexpr bool proven_at(const Identity& identity, FileTime seen) {
  return identity.ctime <= seen - kProofAge;
}

}  // namespace holdfast::baseline
