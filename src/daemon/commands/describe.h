#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "holdfast/base/sha256.h"
#include "holdfast/container/container.h"

namespace holdfast::daemon {

// How the service's values look in answers. Bytes from outside are always made printable here.

/// An empty text and a missing value become null.
[[nodiscard]] boost::json::value describe(const std::string& text);
[[nodiscard]] boost::json::value describe(const std::optional<Sha256>& digest);
/// Permission bits as people write them: "0755".
[[nodiscard]] std::string describe_mode(mode_t mode);

/// id, name, image: enough to know which container is meant.
[[nodiscard]] boost::json::object identify(const container::Container& container);
/// All that `holdfast containers` shows.
[[nodiscard]] boost::json::object describe(const container::Container& container);
/// Spans in which mediation was not complete, oldest first; a baseline that failed is one, too.
[[nodiscard]] boost::json::array describe_exposures(const container::Container& container);

}  // namespace holdfast::daemon
