#include "holdfast/kernel/late_closer.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>

#include "holdfast/base/clock.h"

using namespace holdfast;
using namespace std::chrono_literals;

namespace {

bool is_open(int number) { return ::fcntl(number, F_GETFD) >= 0; }

bool closes_within(int number, std::chrono::milliseconds patience) {
  const auto end = Steady::now() + patience;
  while (is_open(number) && Steady::now() < end) std::this_thread::sleep_for(1ms);
  return !is_open(number);
}

UniqueFd some_file() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

/// A connection whose close waits, as that of an overlay may: what was sent is not taken, and SO_LINGER asks to wait.
struct Lingering {
  UniqueFd here, there;
};
Lingering make_lingering(std::chrono::seconds patience) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);  // NOLINT(*-reinterpret-cast): bind(2)'s interface
  REQUIRE(::bind(listener.get(), generic, size) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  REQUIRE(::getsockname(listener.get(), generic, &size) == 0);
  Lingering made;
  made.here = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(made.here.get(), generic, size) == 0);
  made.there = UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(made.there.valid());
  const linger wait{1, static_cast<int>(patience.count())};
  REQUIRE(::setsockopt(made.here.get(), SOL_SOCKET, SO_LINGER, &wait, sizeof wait) == 0);
  static constexpr std::array<char, 65536> kBytes{};
  while (::send(made.here.get(), kBytes.data(), kBytes.size(), MSG_DONTWAIT) > 0) {
  }
  return made;
}

}  // namespace

TEST_CASE("what is given is closed soon, and by nobody who gives it") {
  kernel::LateCloser closer;
  std::vector<int> numbers;
  for (int i = 0; i < 1000; ++i) {
    auto file = some_file();
    numbers.push_back(file.get());
    closer.close(std::move(file));
  }
  for (const int number : numbers) CHECK(closes_within(number, 2s));
}

TEST_CASE("a close that waits holds neither the giver nor the others") {
  kernel::LateCloser closer;
  std::vector<UniqueFd> peers;
  const auto begin = Steady::now();
  for (int i = 0; i < 3; ++i) {
    auto [here, there] = make_lingering(3s);
    closer.close(std::move(here));
    peers.push_back(std::move(there));
  }
  auto file = some_file();
  const int number = file.get();
  closer.close(std::move(file));
  CHECK(Steady::now() - begin < 1s);
  CHECK(closes_within(number, 1s));
}

TEST_CASE("what is there at the end is closed, too") {
  std::vector<int> numbers;
  {
    kernel::LateCloser closer;
    for (int i = 0; i < 100; ++i) {
      auto file = some_file();
      numbers.push_back(file.get());
      closer.close(std::move(file));
    }
  }
  for (const int number : numbers) CHECK_FALSE(is_open(number));
}
