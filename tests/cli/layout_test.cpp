#include <doctest/doctest.h>

#include "holdfast/cli/command.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/table.h"
#include "holdfast/cli/terminal.h"
#include "holdfast/cli/units.h"

using namespace holdfast::cli;
using namespace std::chrono_literals;

namespace {

const Terminal kPipe{};

Terminal plain_terminal(std::size_t columns) { return {.interactive = true, .colours = false, .columns = columns}; }

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

Table example_table() {
  Table table({{"NAME"}, {"IMAGE", Table::Align::left, true}, {"DRIFT", Table::Align::right}});
  table.add({{"web"}, {"docker.io/library/nginx:1.27"}, {"3"}});
  table.add({{"db-1"}, {"postgres"}, {"1,200"}});
  return table;
}

}  // namespace

TEST_CASE("columns are aligned, and a pipe gets every character") {
  CHECK(example_table().render(kPipe) ==
        "NAME  IMAGE                         DRIFT\n"
        "web   docker.io/library/nginx:1.27      3\n"
        "db-1  postgres                      1,200\n");
}

TEST_CASE("a narrow terminal cuts the columns that may be cut, and no line is longer than it") {
  const auto lines = lines_of(example_table().render(plain_terminal(30)));
  REQUIRE(lines.size() == 3);
  for (const auto& line : lines) CHECK(display_width(line) <= 30);
  CHECK(lines[1].find("…") != std::string::npos);
  CHECK(lines[1].find("web") == 0);
  // Too narrow for anything: still a table.
  CHECK(lines_of(example_table().render(plain_terminal(5))).size() == 3);
}

TEST_CASE("colours do not disturb the alignment, and are absent without a terminal that has them") {
  Table table({{"A"}, {"B"}});
  table.add({{"deny", Colour::red}, {"x"}});
  CHECK(table.render(kPipe) == "A     B\ndeny  x\n");
  const std::string coloured = table.render({.interactive = true, .colours = true, .columns = 80});
  CHECK(coloured.find("\x1b[31mdeny\x1b[0m  x") != std::string::npos);
}

TEST_CASE("width counts characters, not bytes") {
  CHECK(display_width("µs") == 2);
  CHECK(fit("größer", 6) == "größer");
  CHECK(fit("größer", 4) == "grö…");
  CHECK(fit("abc", 1) == "…");
  CHECK(fit("abc", 0).empty());
}

TEST_CASE("text is broken between words") {
  CHECK(wrap("one two three", 9, "") == "one two\nthree");
  CHECK(wrap("one two three", 9, "  ") == "  one two\n  three");
  CHECK(wrap("one two three", 0, "") == "one two three");
  CHECK(wrap("unbreakable word", 5, "") == "unbreakable\nword");
}

TEST_CASE("sizes, counts and times are written for people") {
  CHECK(human_bytes(0) == "0 B");
  CHECK(human_bytes(1023) == "1023 B");
  CHECK(human_bytes(1536) == "1.5 KiB");
  CHECK(human_bytes(1024 * 1024 - 1) == "1.0 MiB");
  CHECK(human_bytes(~std::uint64_t{0}) == "16.0 EiB");
  CHECK(human_count(0) == "0");
  CHECK(human_count(999) == "999");
  CHECK(human_count(1204000) == "1,204,000");
  CHECK(human_latency(850ns) == "850 ns");
  CHECK(human_latency(12300ns) == "12.3 µs");
  CHECK(human_latency(4100us) == "4.1 ms");
  CHECK(human_latency(2s) == "2.0 s");
  CHECK(human_span(45s) == "45s");
  CHECK(human_span(200s) == "3m 20s");
  CHECK(human_span(5h + 12min) == "5h 12m");
  CHECK(human_span(292h) == "12d 4h");
}

TEST_CASE("a progress bar fits its line at any width") {
  CHECK(render_bar("abc", 1, 2, 80).find("50% 1/2") != std::string::npos);
  CHECK(render_bar("abc", 0, 0, 80).find("0%") != std::string::npos);
  CHECK(render_bar("abc", 5, 2, 80).find("100%") != std::string::npos);
  for (std::size_t columns = 1; columns < 120; ++columns)
    CHECK(display_width(render_bar("abc", 7, 9, columns)) <= columns);
}

TEST_CASE("every help fits a screen of 80 by 24") {
  const auto commands = all_commands();
  std::vector<std::string> texts = {overview(commands), group_help(commands, "baseline"),
                                    group_help(commands, "policy")};
  for (const auto& command : commands) texts.push_back(help(command));
  for (const auto& text : texts) {
    CAPTURE(text);
    const auto lines = lines_of(text);
    CHECK(lines.size() > 3);
    CHECK(lines.size() <= 23);  // the last line is the shell's
    for (const auto& line : lines) CHECK(display_width(line) <= 80);
  }
}

TEST_CASE("a typing mistake gets the command that was meant, and nonsense gets none") {
  const auto commands = all_commands();
  CHECK(nearest_command(commands, "statsu") == "status");
  CHECK(nearest_command(commands, "container") == "containers");
  CHECK(nearest_command(commands, "baseline lst") == "baseline list");
  CHECK(nearest_command(commands, "moon").empty());
  CHECK(nearest_command(commands, std::string(100000, 'x')).empty());
}
