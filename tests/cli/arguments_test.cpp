#include "holdfast/cli/arguments.h"

#include <doctest/doctest.h>

using namespace holdfast::cli;

namespace {

const std::vector<Option> kOptions = {{"since", 's', "TIME", ""}, {"follow", 'f', "", ""}, {"json", 0, "", ""}};
constexpr WordCount kAnyWords{0, WordCount::kAny};

Arguments parse(const std::vector<std::string>& arguments) {
  const auto parsed = parse_arguments(arguments, kOptions, kAnyWords);
  REQUIRE(parsed.ok());
  return *parsed;
}

}  // namespace

TEST_CASE("options and words may stand in any order, and a value in either form") {
  const auto a = parse({"web", "--since", "2h", "--follow", "/bin/sh"});
  CHECK(a.words == std::vector<std::string>{"web", "/bin/sh"});
  CHECK(a.value("since") == "2h");
  CHECK(a.has("follow"));
  CHECK_FALSE(a.has("json"));
  CHECK_FALSE(a.value("absent").has_value());
  CHECK(parse({"--since=2h"}).value("since") == "2h");
  CHECK(parse({"-s", "2h", "-f"}).value("since") == "2h");
  CHECK(parse({"--since=a=b"}).value("since") == "a=b");
}

TEST_CASE("after -- everything is a word") {
  CHECK(parse({"--", "--json", "-f"}).words == std::vector<std::string>{"--json", "-f"});
}

TEST_CASE("words may be empty or hold any byte") {
  CHECK(parse({"", "\xff", "a b"}).words == std::vector<std::string>{"", "\xff", "a b"});
}

TEST_CASE("what a command does not take is an error that names it") {
  const auto fails = [](const std::vector<std::string>& arguments, WordCount words, const std::string& naming) {
    const auto parsed = parse_arguments(arguments, kOptions, words);
    REQUIRE_FALSE(parsed.ok());
    CAPTURE(parsed.error().message);
    CHECK(parsed.error().message.find(naming) != std::string::npos);
  };
  fails({"--evidence"}, kAnyWords, "evidence");
  fails({"--fol"}, kAnyWords, "fol");
  fails({"-x"}, kAnyWords, "x");
  fails({"--since"}, kAnyWords, "since");
  fails({"--follow=yes"}, kAnyWords, "follow");
  fails({"--since", "1h", "--since", "2h"}, kAnyWords, "twice");
  fails({"a", "b", "c\n"}, {0, 2}, "c\\x0a");
  fails({"a"}, {2, 2}, "missing");
}
