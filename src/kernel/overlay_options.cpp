#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/kernel/mountinfo.h"

#include "octal.h"

namespace holdfast::kernel {
namespace {

// The kernel's own limit is OVL_MAX_STACK, 500.
constexpr std::size_t kMaxLayers = 1024;

/// The next piece up to a separator that no backslash quotes; backslashes stay.
std::string_view take_piece(std::string_view& rest, char separator) {
  std::size_t i = 0;
  while (i < rest.size() && rest[i] != separator) i += rest[i] == '\\' ? 2 : 1;
  i = std::min(i, rest.size());
  const auto piece = rest.substr(0, i);
  rest.remove_prefix(std::min(i + 1, rest.size()));
  return piece;
}

/// As the kernel's ovl_unescape(): a backslash goes, what it quotes stays.
std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out.push_back(text[i]);
  }
  return out;
}

/// "a:b::data1::data2": what follows the first "::" is data-only.
Result<void> parse_lowerdir(const std::string& list, OverlayOptions& out) {
  const auto refuse = [&](std::string_view why) {
    return Error{EINVAL, fmt::format("overlay option lowerdir=\"{}\" {}", shorten(printable(list), 200), why)};
  };
  std::string_view rest = list;
  bool data = false;
  bool more = true;
  while (more) {
    const auto before = rest.size();
    const auto piece = take_piece(rest, ':');
    more = before > piece.size();
    if (piece.empty()) return refuse("has an empty layer");
    (data ? out.data : out.lower).push_back(unescape(piece));
    if (out.lower.size() + out.data.size() > kMaxLayers) return refuse("has too many layers");
    if (more && rest.starts_with(':')) {
      rest.remove_prefix(1);
      data = true;
    } else if (more && data) {
      return refuse("has an ordinary layer after a data-only one");
    }
  }
  return {};
}

Result<void> apply_option(std::string_view option, OverlayOptions& out) {
  const auto equals = option.find('=');
  const auto name = option.substr(0, equals);
  const auto undone = undo_octal(equals == std::string_view::npos ? std::string_view{} : option.substr(equals + 1));
  if (!undone) return Error{EINVAL, fmt::format("overlay option {} has a NUL byte", printable(name))};
  const std::string& value = *undone;
  if (name == "lowerdir") return parse_lowerdir(value, out);
  if (name == "lowerdir+" || name == "datadir+") {
    // One path each, taken literally: the kernel does not unescape these (ovl_mount_dir_noesc).
    auto& list = name == "lowerdir+" ? out.lower : out.data;
    if (value.empty() || list.size() >= kMaxLayers) {
      return Error{EINVAL, fmt::format("overlay option {} is empty or repeated too often", name)};
    }
    list.push_back(value);
  } else if (name == "upperdir") {
    out.upper = unescape(value);
  } else if (name == "metacopy") {
    out.metacopy = value == "on";
  } else if (name == "userxattr") {
    out.user_xattr = true;
  } else if (name == "redirect_dir") {
    out.redirect_dir = value;
  }
  return {};
}

}  // namespace

Result<OverlayOptions> parse_overlay_options(std::string_view super_options) {
  OverlayOptions out;
  while (!super_options.empty()) {
    if (auto applied = apply_option(take_piece(super_options, ','), out); !applied) return applied.error();
  }
  if (out.lower.empty()) return Error{EINVAL, "overlay mount options name no lower directory"};
  return out;
}

}  // namespace holdfast::kernel
