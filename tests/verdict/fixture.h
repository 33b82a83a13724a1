#pragma once

#include <chrono>
#include <string>

namespace holdfast::test {

inline constexpr std::chrono::sys_seconds kNow{std::chrono::seconds{1'800'000'000}};
inline const std::string kHash(64, 'a');
inline const std::string kPrevent = "[Drift]\nMode=prevent\n";

}  // namespace holdfast::test
