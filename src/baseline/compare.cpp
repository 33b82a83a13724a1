#include "compare.h"

namespace holdfast::baseline {
namespace {

std::uint32_t next_code(const IdentityTable& table, std::uint32_t file) {
  while (file < table.size() && !table.code(file)) ++file;
  return file;
}

bool differs(const IdentityTable& before, std::uint32_t old_file, const IdentityTable& after, std::uint32_t new_file) {
  if (before.executable(old_file) != after.executable(new_file)) return true;
  const auto old_hash = before.hash(old_file);
  return old_hash && old_hash != after.hash(new_file);
}

}  // namespace

std::vector<Difference> compare(const IdentityTable& before, const IdentityTable& after) {
  using What = Difference::What;
  std::vector<Difference> differences;
  std::uint32_t a = next_code(before, 0);
  std::uint32_t b = next_code(after, 0);
  while (a < before.size() || b < after.size()) {
    const bool only_before = b >= after.size() || (a < before.size() && before.path(a) < after.path(b));
    const bool only_after = a >= before.size() || (b < after.size() && after.path(b) < before.path(a));
    if (only_before) {
      differences.push_back({What::removed, std::string(before.path(a)), before.hash(a), std::nullopt});
    } else if (only_after) {
      differences.push_back({What::added, std::string(after.path(b)), std::nullopt, after.hash(b)});
    } else if (differs(before, a, after, b)) {
      differences.push_back({What::changed, std::string(before.path(a)), before.hash(a), after.hash(b)});
    }
    if (!only_after) a = next_code(before, a + 1);
    if (!only_before) b = next_code(after, b + 1);
  }
  return differences;
}

}  // namespace holdfast::baseline
