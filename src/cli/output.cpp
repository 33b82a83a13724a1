#include "holdfast/cli/output.h"

#include <algorithm>
#include <cstdio>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace holdfast::cli {
namespace {

constexpr std::size_t kMostBar = 40;

/// Failures stay in the stream: main() looks at them once, at the end.
void write(std::FILE* stream, std::string_view text) { (void)std::fwrite(text.data(), 1, text.size(), stream); }

void flush(std::FILE* stream) { (void)std::fflush(stream); }

}  // namespace

void print(std::string_view text) { write(stdout, text); }

void print_json(const boost::json::value& value) { print(boost::json::serialize(value) + '\n'); }

void complain(std::string_view text) {
  // What has been printed so far comes first, even where both go into one file.
  flush(stdout);
  write(stderr, fmt::format("holdfast: {}\n", text));
}

void ProgressBar::show(std::string_view label, std::uint64_t done, std::uint64_t all) {
  if (!terminal_.interactive) return;
  flush(stdout);
  // The last column stays free: some terminals break the line once it is filled.
  write(stderr, "\r\x1b[K" + render_bar(label, done, all, terminal_.columns - 1));
  flush(stderr);
  shown_ = true;
}

void ProgressBar::clear() {
  if (!shown_) return;
  write(stderr, "\r\x1b[K");
  flush(stderr);
  shown_ = false;
}

std::string render_bar(std::string_view label, std::uint64_t done, std::uint64_t all, std::size_t columns) {
  const double part = all == 0 ? 0 : static_cast<double>(std::min(done, all)) / static_cast<double>(all);
  const std::string numbers = fmt::format(" {:3.0f}% {}/{}", part * 100, done, all);
  const std::size_t taken = display_width(label) + numbers.size() + 3;
  if (taken + 4 > columns) return fit(fmt::format("{}{}", label, numbers), columns);
  const std::size_t width = std::min(kMostBar, columns - taken);
  const auto filled = static_cast<std::size_t>(part * static_cast<double>(width));
  return fmt::format("{} [{}{}]{}", label, std::string(filled, '#'), std::string(width - filled, '.'), numbers);
}

}  // namespace holdfast::cli
