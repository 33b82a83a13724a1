#include "holdfast/policy/reason.h"

namespace holdfast::policy {

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::added:
      return "added";
    case Reason::modified:
      return "modified";
    case Reason::made_executable:
      return "made-executable";
    case Reason::relocated:
      return "relocated";
    case Reason::volume:
      return "volume";
    case Reason::fileless:
      return "fileless";
    case Reason::loader:
      return "loader";
    case Reason::library:
      return "library";
    case Reason::prohibited:
      return "prohibited";
    case Reason::unmediated:
      return "unmediated";
  }
  return "unknown";
}

std::optional<Reason> parse_reason(std::string_view text) {
  for (const Reason reason : kReasons) {
    if (to_string(reason) == text) return reason;
  }
  return std::nullopt;
}

}  // namespace holdfast::policy
