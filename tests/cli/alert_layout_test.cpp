#include "holdfast/cli/alert_layout.h"

#include <string>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "holdfast/cli/time_spec.h"

using namespace holdfast;
using namespace holdfast::cli;

namespace {

const boost::json::value kAlert = boost::json::parse(R"({"kind":"drift","verdict":"deny","reason":"added",
  "container":{"name":"web-1","image":"nginx:1.27","namespace":"prod","pod":"front"},"file":{"path":"/tmp/a/miner"},
  "process":{"pid":4121,"exe":"/bin/sh","uid":33,"cmdline":"sh -c /tmp/a/miner"},"rule":"tools","repeats":1200,
  "writer":{"pid":4100,"exe":"/usr/bin/curl","uid":0,"how":"wrote","time":"2026-11-22T20:14:10.000000Z",
            "package_manager":"apt","cmdline":"curl -o /tmp/a/miner http://x"},
  "advice":{"meaning":"it came later","check":"who wrote it","action":"do something"}})");
const Wall::time_point kTime = parse_rfc3339("2026-11-22T20:14:13Z").value();

Terminal terminal(std::size_t columns, bool colours = false) {
  return {.interactive = true, .colours = colours, .columns = columns};
}

std::string render(std::size_t columns) {
  return AlertLayout(terminal(columns)).render(kAlert, kTime, kTime + std::chrono::seconds(200));
}

}  // namespace

TEST_CASE("an alert on a terminal says what, where, when, by whom, from where, and what to do") {
  const std::string text = render(120);
  CHECK(text.find("  DENIED added in web-1 (nginx:1.27), pod prod/front, 3m 20s ago\n") != std::string::npos);
  CHECK(text.find("\n    /tmp/a/miner\n"
                  "    tried by    /bin/sh (pid 4121, user 33): sh -c /tmp/a/miner\n"
                  "    written by  /usr/bin/curl (pid 4100, user 0) for apt 3s before: curl -o /tmp/a/miner http://x\n"
                  "    rule        tools\n"
                  "    repeated    1,200 times\n"
                  "    means       it came later\n"
                  "    check       who wrote it\n"
                  "    then        do something\n") != std::string::npos);
}

TEST_CASE("on a narrow terminal lines are cut, but never the file's path") {
  boost::json::value alert = kAlert;
  const std::string path = "/tmp/" + std::string(80, 'x');
  alert.as_object()["file"].as_object()["path"] = path;
  std::string text = AlertLayout(terminal(40)).render(alert, kTime, kTime);
  alert.as_object()["reason"] = "made-executable";
  text += AlertLayout(terminal(40)).render(alert, kTime, kTime);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    CHECK_MESSAGE((display_width(line) <= 40 || line == "    " + path), line);
    at = end + 1;
  }
  CHECK(text.find(path) != std::string::npos);
  CHECK(text.find("  DENIED added\n") != std::string::npos);
  CHECK(text.find("\n    DENIED made-executable\n") != std::string::npos);
}

TEST_CASE("the advice for a reason stands beside its first alert only") {
  AlertLayout layout(terminal(80));
  CHECK(layout.render(kAlert, kTime, kTime).find("who wrote it") != std::string::npos);
  CHECK(layout.render(kAlert, kTime, kTime).find("who wrote it") == std::string::npos);
  boost::json::value other = kAlert;
  other.as_object()["reason"] = "modified";
  CHECK(layout.render(other, kTime, kTime).find("who wrote it") != std::string::npos);
}

TEST_CASE("what is not known is left out, and what is not drift is its sentence") {
  const auto render_text = [](const char* text) {
    return AlertLayout(terminal(80)).render(boost::json::parse(text), kTime, kTime);
  };
  const std::string bare = render_text(R"({"kind":"drift","verdict":"allow","reason":"fileless","file":{}})");
  CHECK(bare.find("  RAN fileless 0s ago\n    a file without a name\n") != std::string::npos);
  const std::string exposure = render_text(R"({"kind":"exposure","reason":"net","message":"the net has a hole"})");
  CHECK(exposure.find("  EXPOSED net 0s ago\n    the net has a hole\n") != std::string::npos);
  const std::string colours = AlertLayout(terminal(80, true)).render(kAlert, kTime, kTime);
  CHECK(colours.find("\x1b[31mDENIED\x1b[0m") != std::string::npos);
}
