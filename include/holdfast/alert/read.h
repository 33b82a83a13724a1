#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/alert/alert.h"
#include "holdfast/base/result.h"

namespace holdfast::alert {

inline constexpr std::size_t kMaxRecord = std::size_t{4} * 1024 * 1024;  ///< bytes of one line

/// An alert read back from what a sink wrote: time, kind, verdict, reason, mode, policy, rule, container, the file's
/// path, hash, size, mode, layer and mount, the image's file, the process's and the writer's pid and program, repeats.
/// The rest is for people and is not read.
struct Record {
  Alert alert;
  /// Names of fields ("file.path") that are there, but not whole: cut by the sink, or left out by journalctl without
  /// --all. They are empty in `alert`.
  std::vector<std::string> cut;
};

/// One line of a `file:` sink or of `journalctl -o json`. Nothing: a journal entry that is no alert of the service, or
/// that somebody else than root has written (anybody may write HOLDFAST_ fields). Hostile input: bounded in size and
/// depth; the error says what is wrong with which field.
[[nodiscard]] Result<std::optional<Record>> read_record(std::string_view line);

/// The same for an entry that was read through sd-journal, which has seen to its sender.
[[nodiscard]] Result<std::optional<Record>> read_record(
    const std::vector<std::pair<std::string, std::string>>& journal_fields, Wall::time_point time);

/// Whether a line is the beginning of an alert and nothing else: what a service leaves in a file that is killed while
/// it writes.
[[nodiscard]] bool is_half_a_record(std::string_view line);

}  // namespace holdfast::alert
