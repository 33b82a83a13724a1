#include <stdlib.h>
#include <time.h>

#include <doctest/doctest.h>

#include "holdfast/cli/time_spec.h"

using namespace holdfast;
using namespace holdfast::cli;
using namespace std::chrono_literals;

namespace {

/// Runs a test in a time zone, and puts the old one back.
class Zone {
 public:
  explicit Zone(const char* zone) {
    if (const char* old = ::getenv("TZ")) old_ = old;
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  ~Zone() {
    old_.empty() ? ::unsetenv("TZ") : ::setenv("TZ", old_.c_str(), 1);
    ::tzset();
  }
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;

 private:
  std::string old_;
};

const Wall::time_point kNow = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22} + 20h + 14min + 13s;

std::string since(std::string_view text) {
  const auto parsed = parse_since(text, kNow);
  return parsed ? rfc3339(*parsed) : "error";
}

}  // namespace

TEST_CASE("a span counts back from now") {
  CHECK(since("15m") == "2026-11-22T19:59:13.000000Z");
  CHECK(since("2h") == "2026-11-22T18:14:13.000000Z");
  CHECK(since("1h30m") == "2026-11-22T18:44:13.000000Z");
  CHECK(since("3d") == "2026-11-19T20:14:13.000000Z");
  CHECK(since("now") == "2026-11-22T20:14:13.000000Z");
}

TEST_CASE("dates and days are local, RFC 3339 says its own offset") {
  const Zone zone("XYZ-2");  // two hours east of Greenwich
  CHECK(since("today") == "2026-11-21T22:00:00.000000Z");
  CHECK(since("yesterday") == "2026-11-20T22:00:00.000000Z");
  CHECK(since("2026-11-20") == "2026-11-19T22:00:00.000000Z");
  CHECK(since("2026-11-20 08:30") == "2026-11-20T06:30:00.000000Z");
  CHECK(since("2026-11-20T08:30:15Z") == "2026-11-20T08:30:15.000000Z");
  CHECK(since("2026-11-20T08:30:15.25+05:30") == "2026-11-20T03:00:15.250000Z");
  CHECK(since("2026-11-20T08:30:15.123456789-01:00") == "2026-11-20T09:30:15.123456Z");
  CHECK(local_time(kNow) == "2026-11-22 22:14:13");
}

TEST_CASE("what is no time is refused") {
  for (const char* wrong : {"", "m", "15", "-2h", "2y", "2h ", "99999999999999999999h", "9999999999w", "tomorrow",
                            "2026-13-01", "2026-02-30", "2026-1-1", "2026-11-20T", "2026-11-20T25:00",
                            "2026-11-20T08:30:15.Z", "2026-11-20T08:30:15Zx", "2026-11-20T08:30:15+5"}) {
    CAPTURE(wrong);
    CHECK(since(wrong) == "error");
  }
}
