#pragma once

#include <string>
#include <utility>
#include <vector>

#include "holdfast/alert/alert.h"

namespace holdfast::alert {

/// The one-line MESSAGE for people (interface.md): "denied /tmp/x in web-1 (nginx:1.27): added, by sh (pid 4121)".
[[nodiscard]] std::string message(const Alert& alert);
/// One JSON object on one line, valid UTF-8, without the newline.
[[nodiscard]] std::string to_json(const Alert& alert);
/// Journal fields in order: MESSAGE, PRIORITY, MESSAGE_ID, SYSLOG_IDENTIFIER, HOLDFAST_…; values as `to_json` has them.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> to_journal(const Alert& alert);

}  // namespace holdfast::alert
