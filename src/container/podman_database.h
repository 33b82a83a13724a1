#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "holdfast/base/result.h"

namespace holdfast::container {

/// What Podman keeps of a container, as its JSON: in a bolt database up to 4.7, in an SQLite one from 4.8 on
/// (libpod/boltdb_state.go, libpod/sqlite_state.go). `storage`: containers/storage's directory; `run_root`: the one of
/// what does not outlive a boot, -1 if there is none. Nothing if it is in neither, or cannot be read now.
[[nodiscard]] std::optional<std::string> read_podman_config(int storage, int run_root, const std::string& id);

/// The same of the bytes of a whole SQLite database. They may be hostile (a rootless engine's are its user's own):
/// SQLite reads a copy that nobody changes, without virtual tables, views and triggers, for a bounded time.
[[nodiscard]] Result<std::optional<std::string>> podman_config_of(std::string_view database, const std::string& id);

}  // namespace holdfast::container
