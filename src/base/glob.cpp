// Globs by two pointers and a place to go back to. Texts come from containers, so the time is bounded by pattern × text
// whatever they hold: after a mismatch only the last star may grow, which is enough because a star takes as little as
// it can, and whoever comes later could only have less text to match.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "holdfast/base/text.h"

namespace holdfast {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

/// One element of a pattern that takes exactly one byte: a literal, `?`, a class or a quoted byte.
struct Element {
  std::size_t length = 0;  ///< bytes of pattern
  bool fits = false;
};

/// `last_bracket` is the pattern's last `]`: a `[` that nothing closes is an ordinary byte, and finding that out must
/// not cost a walk through the pattern each time.
Element class_at(std::string_view pattern, std::size_t at, std::size_t last_bracket, char byte) {
  std::size_t i = at + 1;
  const bool negated = i < pattern.size() && pattern[i] == '!';
  if (negated) ++i;
  if (last_bracket == kNone || last_bracket <= i) return {1, byte == '['};
  const auto value = static_cast<std::uint8_t>(byte);
  bool found = false;
  for (bool first = true; first || pattern[i] != ']'; first = false) {
    const auto low = static_cast<std::uint8_t>(pattern[i]);
    auto high = low;
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      high = static_cast<std::uint8_t>(pattern[i + 2]);
      i += 2;
    }
    found = found || (low <= value && value <= high);
    ++i;
  }
  return {i + 1 - at, found != negated};
}

class Pattern {
 public:
  explicit Pattern(std::string_view text) : text_(text), last_bracket_(text.rfind(']')) {}

  [[nodiscard]] std::size_t size() const { return text_.size(); }
  [[nodiscard]] char at(std::size_t i) const { return text_[i]; }
  [[nodiscard]] std::size_t end_of_stars(std::size_t i) const {
    while (i < text_.size() && text_[i] == '*') ++i;
    return i;
  }

  [[nodiscard]] Element match(std::size_t at, char byte) const {
    switch (text_[at]) {
      case '?':
        return {1, true};
      case '[':
        return class_at(text_, at, last_bracket_, byte);
      case '\\':
        if (at + 1 < text_.size()) return {2, text_[at + 1] == byte};
        [[fallthrough]];
      default:
        return {1, text_[at] == byte};
    }
  }

  /// For paths: a separator is matched by itself alone.
  [[nodiscard]] Element match_in_path(std::size_t at, char byte) const {
    Element element = match(at, byte);
    const bool wild = text_[at] == '?' || (text_[at] == '[' && element.length > 1);
    if (wild && byte == '/') element.fits = false;
    return element;
  }

 private:
  std::string_view text_;
  std::size_t last_bracket_;
};

/// A star met: where the pattern goes on after it, and up to where it has taken text so far.
struct Star {
  std::size_t pattern = kNone;
  std::size_t text = 0;
  bool whole = false;  ///< "/**/": takes whole components only, and may take none

  [[nodiscard]] bool met() const { return pattern != kNone; }
};

/// Matches paths. `*` grows within a component. `**` grows over separators; once what follows it has got past a `*` or
/// a separator and then failed, no later start in the same component can fare better (the same separator ends them
/// all), so it goes on with the next component. That keeps the time at pattern × path.
class PathMatch {
 public:
  PathMatch(std::string_view pattern, std::string_view path) : pattern_(pattern), path_(path) {}

  bool run() {
    while (true) {
      if (p_ < pattern_.size() && pattern_.at(p_) == '*') {
        meet_stars();
        continue;
      }
      if (t_ == path_.size()) return p_ == pattern_.size();
      if (p_ < pattern_.size()) {
        const Element element = pattern_.match_in_path(p_, path_[t_]);
        if (element.fits) {
          take(element);
          continue;
        }
      }
      if (!go_back()) return false;
    }
  }

 private:
  void meet_stars() {
    const std::size_t end = pattern_.end_of_stars(p_);
    if (end - p_ == 1) {
      star_ = {end, t_, false};
      component_decided_ = true;
      p_ = end;
      return;
    }
    const bool after_separator = p_ > 0 && pattern_.at(p_ - 1) == '/' && t_ > 0 && path_[t_ - 1] == '/';
    const bool whole = after_separator && end < pattern_.size() && pattern_.at(end) == '/';
    p_ = whole ? end + 1 : end;
    deep_ = {p_, t_, whole};
    star_ = {};
    component_decided_ = false;
  }

  void take(const Element& element) {
    if (path_[t_] == '/') {
      star_ = {};
      component_decided_ = true;
    }
    p_ += element.length;
    ++t_;
  }

  bool go_back() {
    if (star_.met() && path_[star_.text] != '/') {
      t_ = ++star_.text;
      p_ = star_.pattern;
      return true;
    }
    if (!deep_.met()) return false;
    if (deep_.whole || component_decided_) {
      const std::size_t separator = path_.find('/', deep_.text);
      if (separator == kNone) return false;
      deep_.text = separator;
    }
    t_ = ++deep_.text;
    p_ = deep_.pattern;
    star_ = {};
    component_decided_ = false;
    return true;
  }

  Pattern pattern_;
  std::string_view path_;
  std::size_t p_ = 0;
  std::size_t t_ = 0;
  Star star_;
  Star deep_;
  bool component_decided_ = false;  ///< since `deep_` began: a `*` was met or a separator taken
};

}  // namespace

bool glob_match(std::string_view pattern_text, std::string_view text) {
  const Pattern pattern(pattern_text);
  Star star;
  std::size_t p = 0;
  std::size_t t = 0;
  while (true) {
    if (p < pattern.size() && pattern.at(p) == '*') {
      p = pattern.end_of_stars(p);
      star = {p, t, false};
      continue;
    }
    if (t == text.size()) return p == pattern.size();
    if (p < pattern.size()) {
      const Element element = pattern.match(p, text[t]);
      if (element.fits) {
        p += element.length;
        ++t;
        continue;
      }
    }
    if (!star.met()) return false;
    t = ++star.text;
    p = star.pattern;
  }
}

bool path_glob_match(std::string_view pattern, std::string_view path) { return PathMatch(pattern, path).run(); }

}  // namespace holdfast
