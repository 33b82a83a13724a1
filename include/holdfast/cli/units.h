#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace holdfast::cli {

/// "512 B", "1.5 KiB", "3.0 GiB".
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);
/// With thousands separated: "1,204,000".
[[nodiscard]] std::string human_count(std::uint64_t count);
/// For latencies: "850 ns", "12.3 µs", "4.1 ms", "2.0 s".
[[nodiscard]] std::string human_latency(std::chrono::nanoseconds time);
/// For spans: "45s", "3m 20s", "5h 12m", "12d 4h".
[[nodiscard]] std::string human_span(std::chrono::seconds time);

}  // namespace holdfast::cli
