#pragma once

#include <string_view>

namespace holdfast::daemon {

/// One line about the service itself on standard error, which systemd puts into the journal. What users must not miss
/// is an alert instead. Any thread but the gate's.
void log_line(std::string_view text);

}  // namespace holdfast::daemon
