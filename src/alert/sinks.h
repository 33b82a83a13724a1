#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "holdfast/alert/queue.h"
#include "holdfast/base/result.h"

namespace holdfast::alert {

[[nodiscard]] std::unique_ptr<Sink> make_journal_sink();
/// A line for people on a terminal, a JSON line otherwise.
[[nodiscard]] std::unique_ptr<Sink> make_stderr_sink();
/// Appends JSON lines; opens the file now, to refuse at start what cannot work.
[[nodiscard]] Result<std::unique_ptr<Sink>> make_file_sink(const std::string& path);
/// Whether that would succeed, without making the file.
[[nodiscard]] Result<void> check_file_sink(const std::string& path);

/// Writes all of `bytes`, with one write(2) unless the kernel takes less. `written`: how much it took in the end.
[[nodiscard]] bool write_all(int fd, std::string_view bytes, std::size_t& written);

}  // namespace holdfast::alert
