#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string_view.hpp>
#include <boost/json/value.hpp>

#include "holdfast/base/sha256.h"
#include "holdfast/container/container.h"
#include "holdfast/container/unprotected.h"

namespace holdfast::daemon {

// How the service's values look in answers. Bytes from outside are always made printable here.

/// What is ours: nothing in it has to be made printable.
[[nodiscard]] inline boost::json::string_view view(std::string_view text) { return {text.data(), text.size()}; }
/// An empty text and a missing value become null.
[[nodiscard]] boost::json::value describe(const std::string& text);
[[nodiscard]] boost::json::value describe(const std::optional<Sha256>& digest);
[[nodiscard]] boost::json::array describe(const std::vector<std::string>& texts);
/// Permission bits as people write them: "0755".
[[nodiscard]] std::string describe_mode(mode_t mode);

/// id, name, image: enough to know which container is meant.
[[nodiscard]] boost::json::object identify(const container::Container& container);
[[nodiscard]] boost::json::object identify(const container::Unprotected& container);
/// Mode, reason, who asked, from when to when, and how long it still lasts.
[[nodiscard]] boost::json::object describe_override(const policy::Override& one, const policy::OverrideClock& now);
/// All that `holdfast containers` shows.
[[nodiscard]] boost::json::object describe(const container::Container& container, const policy::OverrideClock& now);
/// The same fields for one that cannot be protected: most are null.
[[nodiscard]] boost::json::object describe(const container::Unprotected& container);
/// Spans in which mediation was not complete, oldest first; a baseline that failed is one, too.
[[nodiscard]] boost::json::array describe_exposures(const container::Container& container);
[[nodiscard]] boost::json::array describe_exposures(const container::Unprotected& container);

}  // namespace holdfast::daemon
