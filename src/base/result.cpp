#include "holdfast/base/result.h"

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace holdfast {

Error errno_error(std::string_view what) { return errno_error(errno, what); }

Error errno_error(int code, std::string_view what) {
  return {code, fmt::format("{}: {}", what, std::generic_category().message(code))};
}

}  // namespace holdfast
