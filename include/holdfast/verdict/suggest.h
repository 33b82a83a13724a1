#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/alert/read.h"

namespace holdfast::verdict {

/// Exceptions for what was alerted, for a person to check: text of a policy file.
struct Suggestion {
  std::string text;
  std::size_t rules = 0;
  std::vector<std::string> left_out;  ///< "NAME (reason, attempts): why", printable
};

/// Collects alerts of one container and writes the narrowest rules that would have let pass exactly those: a path and
/// the SHA-256 of each content that was seen there. What no rule can be that narrow for is left out, and said.
class Suggester {
 public:
  static constexpr std::size_t kMost = 10'000;  ///< different files

  /// False if there are too many different files. Alerts of other kinds than drift are not looked at.
  [[nodiscard]] bool add(const alert::Record& record);
  [[nodiscard]] std::uint64_t alerts() const { return alerts_; }
  /// `asked`: what the container was called by whom asked.
  [[nodiscard]] Suggestion finish(std::string_view asked) const;

 private:
  struct Seen {
    std::uint64_t attempts = 0;
    Wall::time_point first, last;
    std::set<std::string> reasons, executed_by, written_by;
    bool doubtful_path = false;
    void merge(const Seen& other);
  };
  struct File {
    std::map<std::string, Seen> contents;  ///< by SHA-256
  };
  [[nodiscard]] static std::string why_not(const alert::Record& record);
  [[nodiscard]] static std::string rule(const std::string& path, const File& file, std::set<std::string>& names);

  std::map<std::string, File> files_;                             ///< by path
  std::map<std::pair<std::string, std::string>, Seen> left_out_;  ///< by name and why
  std::set<std::string> containers_;
  std::uint64_t alerts_ = 0;
};

/// A path as a glob that fits it alone, as the value of a key; nothing if no policy file can hold that.
[[nodiscard]] std::optional<std::string> exact_glob(std::string_view path);

}  // namespace holdfast::verdict
