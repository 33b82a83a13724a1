#include <chrono>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "holdfast/base/text.h"

using holdfast::glob_match;
using holdfast::path_glob_match;

namespace {

/// What the two matchers must agree with: the definition, written down as it is, for small inputs without classes.
bool defined_match(std::string_view pattern, std::string_view text, bool path, bool after_slash = false) {
  if (pattern.empty()) return text.empty();
  const std::size_t stars = std::min(pattern.find_first_not_of('*'), pattern.size());
  if (stars == 0) {
    if (text.empty()) return false;
    const bool fits = pattern[0] == '?' ? !path || text[0] != '/' : pattern[0] == text[0];
    return fits && defined_match(pattern.substr(1), text.substr(1), path, text[0] == '/');
  }
  const bool crosses = !path || stars > 1;
  const std::string_view rest = pattern.substr(stars);
  const bool whole = path && stars > 1 && after_slash && rest.starts_with('/');
  if (whole) {
    if (defined_match(rest.substr(1), text, path, true)) return true;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '/' && defined_match(rest.substr(1), text.substr(i + 1), path, true)) return true;
    }
    return false;
  }
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (defined_match(rest, text.substr(i), path, i > 0 ? text[i - 1] == '/' : after_slash)) return true;
    if (i < text.size() && text[i] == '/' && !crosses) return false;
  }
  return false;
}

std::vector<std::string> all_strings(std::string_view alphabet, std::size_t longest) {
  std::vector<std::string> strings = {""};
  for (std::size_t from = 0, length = 0; length < longest; ++length) {
    const std::size_t to = strings.size();
    for (; from < to; ++from) {
      for (const char c : alphabet) strings.push_back(strings[from] + c);
    }
  }
  return strings;
}

struct Case {
  const char* pattern;
  const char* text;
  bool fits;
};

}  // namespace

TEST_CASE("globs match as in a shell") {
  for (const Case& c : {
           Case{"", "", true},
           Case{"", "a", false},
           Case{"*", "", true},
           Case{"*", "a/b", true},
           Case{"a*", "abc", true},
           Case{"*c", "abc", true},
           Case{"a?c", "abc", true},
           Case{"a?c", "ac", false},
           Case{"*/nginx:*", "docker.io/library/nginx:1.27", true},
           Case{"*/nginx:*", "nginx:1.27", false},
           Case{"[a-c]x", "bx", true},
           Case{"[a-c]x", "dx", false},
           Case{"[!a-c]x", "dx", true},
           Case{"[!a-c]x", "ax", false},
           Case{"[]]", "]", true},
           Case{"[!]]", "]", false},
           Case{"[a-]", "-", true},
           Case{"[", "[", true},
           Case{"[a", "[a", true},
           Case{"[]", "[]", true},
           Case{"[!]", "[!]", true},
           Case{"\\*", "*", true},
           Case{"\\*", "a", false},
           Case{"a\\", "a\\", true},
           Case{"\\[a]", "[a]", true},
           Case{"[z-a]", "m", false},
           Case{"[\xe0-\xff]", "\xf0", true},
           Case{"*a*b*c*", "xxaxxbxxcxx", true},
           Case{"*a*b*c*", "xxaxxcxxbxx", false},
       }) {
    CHECK_MESSAGE(glob_match(c.pattern, c.text) == c.fits, c.pattern << " on " << c.text);
  }
}

TEST_CASE("path globs stay within a component unless they say **") {
  for (const Case& c : {
           Case{"/opt/app/*", "/opt/app/x", true},
           Case{"/opt/app/*", "/opt/app/x/y", false},
           Case{"/opt/app/*", "/opt/app/", true},
           Case{"/opt/app/*", "/opt/app", false},
           Case{"/opt/app/**", "/opt/app/x/y", true},
           Case{"/opt/app/**", "/opt/application", false},
           Case{"/opt/?pp", "/opt/app", true},
           Case{"/opt?app", "/opt/app", false},
           Case{"/opt[!x]app", "/opt/app", false},
           Case{"/opt[/]app", "/opt/app", false},
           Case{"/**/x", "/x", true},
           Case{"/**/x", "/a/b/x", true},
           Case{"/**/x", "/a/bx", false},
           Case{"/a/**/b/*", "/a/q/b/w/b/c", true},
           Case{"/a/**/b/*", "/a/b/c/d", false},
           Case{"/**.so", "/usr/lib/x.so", true},
           Case{"/*.so", "/usr/lib/x.so", false},
           Case{"/**", "", false},
           Case{"**", "", true},
           Case{"/opt/*/bin/*", "/opt/a/bin/b", true},
           Case{"/opt/*/bin/*", "/opt/a/b/bin/c", false},
           Case{"/usr/bin/nc", "/usr/bin/nc", true},
           Case{"/usr/bin/nc", "/usr/bin/ncat", false},
       }) {
    CHECK_MESSAGE(path_glob_match(c.pattern, c.text) == c.fits, c.pattern << " on " << c.text);
  }
}

TEST_CASE("every small glob matches what its definition says") {
  const auto patterns = all_strings("a/*?", 6);
  const auto texts = all_strings("ab/", 5);
  std::size_t wrong = 0;
  for (const std::string& pattern : patterns) {
    for (const std::string& text : texts) {
      for (const bool path : {false, true}) {
        const bool fits = path ? path_glob_match(pattern, text) : glob_match(pattern, text);
        if (fits != defined_match(pattern, text, path) && ++wrong < 10) {
          FAIL_CHECK(pattern << " on " << text << (path ? " as a path: " : ": ") << fits);
        }
      }
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("hostile texts do not cost more than pattern times text") {
  using namespace std::chrono_literals;
  const std::string as(4000, 'a');
  std::string components;
  std::string star_components = "/**";
  for (int i = 0; i < 1000; ++i) components += "/aaa";
  for (int i = 0; i < 1000; ++i) star_components += "/*a";
  std::string many_stars;
  std::string many_deep;
  for (int i = 0; i < 1000; ++i) many_stars += "*a", many_deep += "**/a";
  const std::vector<std::string> patterns = {many_stars + "b",
                                             many_deep + "b",
                                             star_components + "b",
                                             "**" + as + "b",
                                             "**" + many_stars + "b",
                                             "/**/*a*a*a*/**/*a*b",
                                             std::string(4001, '['),
                                             std::string(4000, '[') + "]",
                                             std::string(4000, '*') + "b"};
  const auto began = std::chrono::steady_clock::now();
  for (const std::string& pattern : patterns) {
    for (const std::string& text : {as, components, "/" + as, std::string(4000, '/'), std::string(4000, '[')}) {
      CHECK_FALSE(glob_match(pattern, text));
      CHECK_FALSE(path_glob_match(pattern, text));
    }
  }
  CHECK(std::chrono::steady_clock::now() - began < 30s);  // 90 of 16 million steps; an exponential one would not end
}
