#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "holdfast/base/identity.h"
#include "holdfast/base/result.h"
#include "holdfast/base/sha256.h"
#include "holdfast/base/unique_fd.h"

namespace holdfast::baseline {

/// Asked between blocks: 0 to go on, an errno value to give up with (ETIMEDOUT, ECANCELED).
using StopCode = std::function<int()>;

[[nodiscard]] Result<Sha256> hash_until(int fd, std::uint64_t size, const StopCode& stop);

/// SHA-256 of bytes in memory.
[[nodiscard]] Sha256 hash_bytes(std::string_view bytes);

struct HashedFile {
  Sha256 sha256{};
  /// Whether the identity is bound to these bytes: a later change must show in the ctime (kernel fact 16).
  bool proven = false;
};

struct HashRules {
  bool trust_times = true;  ///< false where an unprivileged process decides what stat(2) says
  bool settle = false;      ///< wait the few milliseconds after which a young ctime becomes a proof
};

/// Reads the regular file `path` below `root` and hashes it. ESTALE if it is not, or does not stay, the file that
/// `identity` names.
[[nodiscard]] Result<HashedFile> hash_at(int root, std::string_view path, const Identity& identity,
                                         const HashRules& rules, const StopCode& stop);

}  // namespace holdfast::baseline
