#pragma once

#include <string>

#include <doctest/doctest.h>

namespace holdfast::test {

/// Whether a text has a part; where a check of it fails, the text is told.
inline bool has(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace holdfast::test
