#include "holdfast/base/text.h"

#include <set>
#include <string>

#include <doctest/doctest.h>

using holdfast::printable;
using holdfast::shorten;

TEST_CASE("printable text stays as it is") {
  CHECK(printable("/usr/bin/naïve 日本 🦀") == "/usr/bin/naïve 日本 🦀");
  CHECK(printable("").empty());
}

TEST_CASE("bytes that would fool a reader are shown as escapes") {
  CHECK(printable("a\nb") == "a\\x0ab");
  CHECK(printable("a\\b") == "a\\\\b");
  CHECK(printable(std::string_view("\0", 1)) == "\\x00");
  CHECK(printable("\x1b[31m") == "\\x1b[31m");
  CHECK(printable("\x7f") == "\\x7f");
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");                    // C1 control: CSI
  CHECK(printable("\xe2\x80\xae") == "\\xe2\\x80\\xae");           // right-to-left override
  CHECK(printable("\xe2\x80\xa8") == "\\xe2\\x80\\xa8");           // line separator
  CHECK(printable("x\xe2\x80\x8by") == "x\\xe2\\x80\\x8by");       // zero width space
  CHECK(printable("\xf3\xa0\x81\x81") == "\\xf3\\xa0\\x81\\x81");  // tag character
}

TEST_CASE("bytes that are not UTF-8 are shown as escapes") {
  CHECK(printable("\xff") == "\\xff");
  CHECK(printable("\xc3") == "\\xc3");                             // cut
  CHECK(printable("\xc3(") == "\\xc3(");                           // no continuation
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");                    // overlong "/"
  CHECK(printable("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");           // overlong
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // surrogate
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  CHECK(printable("\x80") == "\\x80");                             // lone continuation
}

TEST_CASE("different bytes never look the same") {
  std::set<std::string> seen;
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string bytes = {static_cast<char>(a), static_cast<char>(b)};
      CHECK_MESSAGE(seen.insert(printable(bytes)).second, a << " " << b);
    }
  }
  CHECK(printable("\\x0a") != printable("\n"));
}

TEST_CASE("shortened text keeps within its limit and cuts no character") {
  CHECK(shorten("abcdef", 6) == "abcdef");
  CHECK(shorten("abcdefg", 6) == "abc…");
  CHECK(shorten("ab日本", 7) == "ab…");  // 日 would end at 5, and the mark needs 3
  CHECK(shorten("日本語", 8) == "日…");
  CHECK(shorten("日本語", 2).empty());
  CHECK(shorten("abc", 0).empty());
  for (std::size_t limit = 0; limit < 40; ++limit) {
    const std::string cut = shorten("x🦀é日🦀é日🦀é日🦀", limit);
    CHECK(cut.size() <= limit);
    CHECK(printable(cut) == cut);
  }
}
