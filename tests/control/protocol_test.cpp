#include "holdfast/control/protocol.h"

#include <string>

#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "holdfast/base/text.h"

using namespace holdfast;
using namespace holdfast::control;
namespace json = boost::json;

TEST_CASE("a request is a command's name and its arguments") {
  const auto request = parse_request(R"({"command":"baseline.rebuild","target":"nginx:1.27","all":false,"seconds":7})");
  REQUIRE(request.ok());
  CHECK(request->command == "baseline.rebuild");
  CHECK(request->required_text("target").value() == "nginx:1.27");
  CHECK(request->flag("all").value() == false);
  CHECK(request->flag("absent").value() == false);
  CHECK(request->number("seconds").value() == 7);
  CHECK_FALSE(request->text("absent").value().has_value());
  CHECK(request->only({"target", "all", "seconds"}).ok());
  CHECK_FALSE(request->only({"target", "all"}).ok());
}

TEST_CASE("what is not a request is refused with a reason") {
  for (const std::string line :
       {"", "{", "null", "[]", "\"status\"", "{}", R"({"command":1})", R"({"command":""})", R"({"command":"a b"})",
        R"({"command":"STATUS"})", R"({"command":"ping"} x)", R"({"command":"ping"}{"command":"ping"})",
        "{\"command\":\"pi\nng\"}", "{\"command\":\"ping\",\"x\":\"\xff\"}", "\x00\x01\x02"}) {
    CAPTURE(line);
    const auto request = parse_request(line);
    REQUIRE_FALSE(request.ok());
    CHECK_FALSE(request.error().message.empty());
  }
}

TEST_CASE("a request nested too deeply or too long is refused") {
  const std::string depth(2000, '[');
  CHECK_FALSE(parse_request(R"({"command":"ping","x":)" + depth).ok());
  CHECK_FALSE(parse_request(R"({"command":"ping","x":[[[[[[1]]]]]]})").ok());
  CHECK(parse_request(R"({"command":"ping","x":[1]})").ok());
  CHECK_FALSE(parse_request(R"({"command":"ping","x":")" + std::string(kMaxRequest, 'x') + "\"}").ok());
}

TEST_CASE("arguments of another type are told by name") {
  const auto request = parse_request(R"({"command":"explain","path":7,"all":"yes","seconds":-1,"name":""})");
  REQUIRE(request.ok());
  CHECK(request->text("path").error().message.find("\"path\"") != std::string::npos);
  CHECK(request->flag("all").error().message.find("\"all\"") != std::string::npos);
  CHECK_FALSE(request->number("seconds").ok());
  CHECK_FALSE(request->required_text("name").ok());
}

TEST_CASE("any path travels unchanged") {
  for (const std::string path : {"/bin/sh", "/a\\b", "/a\nb", "/\xff\xfe", "/\xc3\xa9", "/a\\x41", "/\x1b[31m"}) {
    CAPTURE(path);
    const std::string line = request_line("explain", {{"path", json::string(printable(path))}});
    CHECK(line.back() == '\n');
    CHECK(line.find('\n') == line.size() - 1);
    const auto request = parse_request(std::string_view(line).substr(0, line.size() - 1));
    REQUIRE(request.ok());
    CHECK(request->required_text("path").value() == path);
  }
  for (const char* wrong : {"\\", "\\x", "\\x4", "\\xg1", "\\n", "a\\"}) CHECK_FALSE(parse_printable(wrong).ok());
}

TEST_CASE("a name has one spelling: what printable() would not have written is refused") {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string name = std::string("/a") + static_cast<char>(byte) + "\xff";
    CHECK(parse_printable(printable(name)).value() == name);
  }
  for (const char* other :
       {R"(\xFF)", R"(\x41)", R"(\x5c)", R"(\xc3\xa9)", R"(a\x20b)", "\n", "\x7f", "\xff", "\xe2\x80\xae"}) {
    CAPTURE(other);
    CHECK_FALSE(parse_printable(other).ok());
  }
  for (const char* own : {R"(\xff)", R"(\\x41)", R"(\x0a)", R"(\xe2\x80\xae)", "\xc3\xa9"}) {
    CAPTURE(own);
    CHECK(printable(parse_printable(own).value()) == own);
  }
}

TEST_CASE("a client reads back what the service wrote") {
  const auto item = parse_message(R"({"item":{"path":"/x"}})");
  REQUIRE(item.ok());
  CHECK(item->kind == Message::Kind::item);
  const std::string progress = progress_line(json::object{{"done", 1}});
  CHECK(parse_message(progress)->kind == Message::Kind::progress);
  const std::string fine = answer_line(json::value(json::object{{"n", 1}}));
  CHECK(json::serialize(std::get<json::value>(parse_message(fine)->answer)) == R"({"n":1})");
  const std::string failed = answer_line(Failure{Status::not_permitted, "no \xff\n"});
  const auto failure = parse_message(failed);
  REQUIRE(failure.ok());
  CHECK(std::get<Failure>(failure->answer).status == Status::not_permitted);
  CHECK(std::get<Failure>(failure->answer).message == "no \\xff\\x0a");
}

TEST_CASE("answers that are none are refused") {
  for (const char* line :
       {"", "HTTP/1.1 400 Bad Request", "{}", R"({"ok":1})", R"({"ok":true})", R"({"ok":false})",
        R"({"ok":false,"error":{}})", R"({"ok":false,"error":{"status":0,"message":"x"}})",
        R"({"ok":false,"error":{"status":5,"message":"x"}})", R"({"ok":false,"error":{"status":2,"message":3}})"}) {
    CAPTURE(line);
    CHECK_FALSE(parse_message(line).ok());
  }
}

TEST_CASE("text made printable once is not escaped again for a terminal") {
  const std::string hostile = "a\\b\x1b[31m\n\xff\xe2\x80\xae";
  CHECK(readable(printable(hostile)) == printable(hostile));
  CHECK(readable("x\x1b[2J\n") == "x\\x1b[2J\\x0a");
  CHECK(readable("\\x41\\\\") == "\\x41\\\\");
}
