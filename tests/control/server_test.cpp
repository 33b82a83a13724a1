#include "holdfast/control/server.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "holdfast/base/unique_fd.h"
#include "holdfast/control/client.h"

#include "temp_directory.h"

using namespace holdfast;
using namespace holdfast::control;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

UniqueFd connect_raw(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

/// All that comes until the service closes; fails the test if that takes more than 10 s.
std::string read_all(int fd) {
  std::string out;
  char block[4096];
  while (true) {
    pollfd waited{fd, POLLIN, 0};
    REQUIRE(::poll(&waited, 1, 10'000) == 1);
    const ssize_t got = ::recv(fd, block, sizeof block, 0);
    if (got <= 0) return out;
    out.append(block, static_cast<std::size_t>(got));
  }
}

void send_raw(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the service has heard enough
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string ask_raw(const std::string& path, std::string_view bytes) {
  const UniqueFd fd = connect_raw(path);
  send_raw(fd.get(), bytes);
  return read_all(fd.get());
}

Answer ping(const std::string& path) {
  auto client = Client::connect(path);
  if (auto* failure = std::get_if<Failure>(&client)) return *failure;
  return std::get<Client>(client).call("ping", {}, {}, 10s);
}

bool answers(const std::string& path) { return std::holds_alternative<json::value>(ping(path)); }

/// A server with `ping` in a directory of its own.
struct Fixture {
  explicit Fixture(Server::Options options = {})
      : server([&] {
          options.socket = directory / "run/control.sock";
          return options;
        }()) {
    server.add("ping", Pace::quick, [](const Request&, Stream&) -> Answer { return json::object{{"pong", true}}; });
  }
  void start() { REQUIRE(server.start().ok()); }

  TempDirectory directory;
  std::string socket = directory / "run/control.sock";
  Server server;
};

}  // namespace

TEST_CASE("a command is answered, and the socket is root's alone") {
  Fixture fixture;
  fixture.start();
  CHECK(answers(fixture.socket));
  struct stat st {};
  REQUIRE(::lstat(fixture.socket.c_str(), &st) == 0);
  CHECK(S_ISSOCK(st.st_mode));
  CHECK((st.st_mode & 07777) == 0600);
  REQUIRE(::lstat((fixture.directory / "run").c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0755);
}

TEST_CASE("the socket goes with the service, and nobody is reached any more") {
  TempDirectory directory;
  const std::string socket = directory / "control.sock";
  {
    Server server({.socket = socket});
    REQUIRE(server.start().ok());
  }
  CHECK(::access(socket.c_str(), F_OK) != 0);
  const auto answer = ping(socket);
  REQUIRE(std::holds_alternative<Failure>(answer));
  CHECK(std::get<Failure>(answer).status == Status::unreachable);
}

TEST_CASE("a socket that a killed service left behind is replaced") {
  Fixture fixture;
  REQUIRE(::mkdir((fixture.directory / "run").c_str(), 0755) == 0);
  {
    const UniqueFd stale(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, fixture.socket.c_str(), sizeof address.sun_path - 1);
    REQUIRE(::bind(stale.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  CHECK(std::get<Failure>(ping(fixture.socket)).status == Status::unreachable);
  fixture.start();
  CHECK(answers(fixture.socket));
}

TEST_CASE("a second service is refused and does not disturb the first") {
  Fixture fixture;
  fixture.start();
  {
    Server second({.socket = fixture.socket});
    const auto started = second.start();
    REQUIRE_FALSE(started.ok());
    CHECK(started.error().code == EADDRINUSE);
  }
  CHECK(answers(fixture.socket));
}

TEST_CASE("a file that is no socket is never removed") {
  Fixture fixture;
  REQUIRE(::mkdir((fixture.directory / "run").c_str(), 0755) == 0);
  std::ofstream(fixture.socket) << "precious";
  const auto started = fixture.server.start();
  REQUIRE_FALSE(started.ok());
  CHECK(started.error().code == EEXIST);
  std::string content;
  std::ifstream(fixture.socket) >> content;
  CHECK(content == "precious");
}

TEST_CASE("garbage, unknown commands and oversized requests get one clear error each") {
  Fixture fixture;
  fixture.start();
  const auto check = [&](std::string_view sent, std::string_view expected) {
    const std::string got = ask_raw(fixture.socket, sent);
    CAPTURE(got);
    CHECK(std::count(got.begin(), got.end(), '\n') == 1);
    CHECK(got.find("\"ok\":false") != std::string::npos);
    CHECK(got.find("\"status\":2") != std::string::npos);
    CHECK(got.find(expected) != std::string::npos);
  };
  check("GET / HTTP/1.1\r\n\r\n", "not valid JSON");
  check("\n", "not valid JSON");
  check("{\"command\":\"selfdestruct\"}\n", "no command");
  check(std::string(kMaxRequest + 1000, 'x'), "longer than");
  check("{\"command\":\"x\",\"y\":" + std::string(1000, '[') + "\n", "not valid JSON");
  CHECK(answers(fixture.socket));
}

TEST_CASE("a client that closes its sending side is still answered; one that does so too early is told") {
  Fixture fixture;
  fixture.start();
  const UniqueFd whole = connect_raw(fixture.socket);
  send_raw(whole.get(), "{\"command\":\"ping\"}\n");
  REQUIRE(::shutdown(whole.get(), SHUT_WR) == 0);
  CHECK(read_all(whole.get()).find("pong") != std::string::npos);

  const UniqueFd half = connect_raw(fixture.socket);
  send_raw(half.get(), "{\"command\":\"ping\"}");
  REQUIRE(::shutdown(half.get(), SHUT_WR) == 0);
  CHECK(read_all(half.get()).find("newline") != std::string::npos);
}

TEST_CASE("a client that sends nothing is told so and dropped") {
  Fixture fixture({.socket = {}, .request_time = 200ms});
  fixture.start();
  const UniqueFd silent = connect_raw(fixture.socket);
  CHECK(read_all(silent.get()).find("no complete request") != std::string::npos);
}

TEST_CASE("one client too many is told to come again, and can") {
  Fixture fixture({.socket = {}, .max_clients = 2});
  std::atomic<int> running = 0;
  std::atomic<bool> done = false;
  fixture.server.add("wait", Pace::slow, [&](const Request&, Stream&) -> Answer {
    ++running;
    while (!done) std::this_thread::sleep_for(1ms);
    return json::object{{"waited", true}};
  });
  fixture.start();
  {
    const UniqueFd first = connect_raw(fixture.socket);
    const UniqueFd second = connect_raw(fixture.socket);
    for (const auto* client : {&first, &second}) send_raw(client->get(), "{\"command\":\"wait\"}\n");
    while (running < 2) std::this_thread::sleep_for(1ms);
    const auto third = ping(fixture.socket);
    REQUIRE(std::holds_alternative<Failure>(third));
    CHECK(std::get<Failure>(third).message.find("2 clients") != std::string::npos);
    done = true;
    CHECK(read_all(first.get()).find("waited") != std::string::npos);
  }
  for (int tries = 0; tries < 500 && !answers(fixture.socket); ++tries) std::this_thread::sleep_for(10ms);
  CHECK(answers(fixture.socket));
}

TEST_CASE("clients that send slowly keep nobody out, however many they are") {
  Fixture fixture;
  fixture.start();
  std::vector<UniqueFd> slow;
  for (int i = 0; i < 64; ++i) {
    slow.push_back(connect_raw(fixture.socket));
    send_raw(slow.back().get(), "{\"command\":\"pi");
  }
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 5; ++i) CHECK(answers(fixture.socket));
  CHECK(std::chrono::steady_clock::now() - begun < 1s);
  CHECK(read_all(slow.front().get()).find("another client needed the place") != std::string::npos);
  send_raw(slow.back().get(), "ng\"}\n");
  CHECK(read_all(slow.back().get()).find("pong") != std::string::npos);
}

TEST_CASE("a reader that does not read is dropped, and others are answered meanwhile") {
  Fixture fixture({.socket = {}, .write_time = 300ms});
  std::promise<std::uint64_t> stopped;
  fixture.server.add("flood", Pace::slow, [&](const Request&, Stream& stream) -> Answer {
    std::uint64_t items = 0;
    while (stream.item(json::string(std::string(10'000, 'x')))) ++items;
    stopped.set_value(items);
    return json::object{};
  });
  fixture.start();
  const UniqueFd slow = connect_raw(fixture.socket);
  send_raw(slow.get(), "{\"command\":\"flood\"}\n");
  CHECK(answers(fixture.socket));
  auto result = stopped.get_future();
  REQUIRE(result.wait_for(10s) == std::future_status::ready);
  // What was queued for it stayed bounded.
  CHECK(result.get() < 1000);
  CHECK(answers(fixture.socket));
}

TEST_CASE("a long command stops when its client has gone") {
  Fixture fixture;
  std::promise<void> begun, stopped;
  fixture.server.add("wait", Pace::slow, [&](const Request&, Stream& stream) -> Answer {
    stream.progress(json::object{{"done", 0}});
    begun.set_value();
    while (!stream.closed()) std::this_thread::sleep_for(1ms);
    stopped.set_value();
    return json::object{};
  });
  fixture.start();
  {
    const UniqueFd client = connect_raw(fixture.socket);
    send_raw(client.get(), "{\"command\":\"wait\"}\n");
    REQUIRE(begun.get_future().wait_for(10s) == std::future_status::ready);
  }
  CHECK(stopped.get_future().wait_for(10s) == std::future_status::ready);
}

TEST_CASE("long commands do not keep short ones waiting, and end with the service") {
  std::atomic<int> running = 0;
  {
    Fixture fixture;
    fixture.server.add("wait", Pace::slow, [&](const Request&, Stream& stream) -> Answer {
      ++running;
      while (!stream.closed()) std::this_thread::sleep_for(1ms);
      --running;
      return json::object{};
    });
    fixture.start();
    std::vector<UniqueFd> clients;
    for (int i = 0; i < 4; ++i) {
      clients.push_back(connect_raw(fixture.socket));
      send_raw(clients.back().get(), "{\"command\":\"wait\"}\n");
    }
    while (running == 0) std::this_thread::sleep_for(1ms);
    CHECK(answers(fixture.socket));
    std::vector<UniqueFd> kept(std::move(clients));
    // The fixture goes before the clients do.
    CHECK(running > 0);
  }
  CHECK(running == 0);
}

TEST_CASE("items, progress and a large answer arrive whole and in order") {
  Fixture fixture;
  const std::string large(3'000'000, 'y');
  fixture.server.add("stream", Pace::slow, [&](const Request&, Stream& stream) -> Answer {
    for (std::int64_t i = 0; i < 20'000; ++i) {
      if (!stream.item(i)) break;
    }
    stream.progress(json::object{{"done", 1}});
    return json::object{{"large", large}};
  });
  fixture.start();
  auto client = Client::connect(fixture.socket);
  REQUIRE(std::holds_alternative<Client>(client));
  std::int64_t next = 0;
  int progress = 0;
  const auto answer = std::get<Client>(client).call(
      "stream", {},
      [&](Message::Kind kind, const json::value& value) {
        if (kind == Message::Kind::progress) {
          ++progress;
        } else if (value == json::value(next)) {
          ++next;
        }
      },
      10s);
  REQUIRE(std::holds_alternative<json::value>(answer));
  CHECK(next == 20'000);
  CHECK(progress == 1);
  CHECK(std::get<json::value>(answer).at("large").as_string() == large);
}

TEST_CASE("a handler that throws is a failure of that command alone") {
  Fixture fixture;
  fixture.server.add("broken", Pace::quick,
                     [](const Request&, Stream&) -> Answer { throw std::runtime_error("no memory"); });
  fixture.start();
  auto client = Client::connect(fixture.socket);
  const auto answer = std::get<Client>(client).call("broken", {}, {}, 10s);
  REQUIRE(std::holds_alternative<Failure>(answer));
  CHECK(std::get<Failure>(answer).status == Status::unreachable);
  CHECK(std::get<Failure>(answer).message.find("no memory") != std::string::npos);
  CHECK(answers(fixture.socket));
}

TEST_CASE("an unprivileged process is not obeyed, even if it gets at the socket") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: needs root to become somebody else");
    return;
  }
  CHECK(may_command(0, 0));
  CHECK(may_command(1000, 1000));
  CHECK_FALSE(may_command(1000, 0));
  Fixture fixture;
  fixture.start();
  REQUIRE(::chmod(fixture.socket.c_str(), 0666) == 0);
  int pipe_ends[2];
  REQUIRE(::pipe2(pipe_ends, O_CLOEXEC) == 0);
  const UniqueFd read_end(pipe_ends[0]);
  UniqueFd write_end(pipe_ends[1]);
  const std::string socket = fixture.socket;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // Only system calls from here: the server's threads are not in this process.
    if (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket.c_str(), socket.size());
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) ::_exit(2);
    const char request[] = "{\"command\":\"ping\"}\n";
    (void)::send(fd, request, sizeof request - 1, MSG_NOSIGNAL);
    char block[512];
    ssize_t got = 0;
    while ((got = ::recv(fd, block, sizeof block, 0)) > 0) {
      if (::write(write_end.get(), block, static_cast<std::size_t>(got)) != got) ::_exit(3);
    }
    ::_exit(0);
  }
  write_end.reset();
  std::string got;
  char block[512];
  ssize_t length = 0;
  while ((length = ::read(read_end.get(), block, sizeof block)) > 0)
    got.append(block, static_cast<std::size_t>(length));
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
  CAPTURE(got);
  CHECK(got.find("\"status\":4") != std::string::npos);
  CHECK(got.find("pong") == std::string::npos);
  CHECK(answers(fixture.socket));
}

TEST_CASE("a path that no socket can have is bad input, not an absent service") {
  const auto client = Client::connect("/" + std::string(200, 'x'));
  REQUIRE(std::holds_alternative<Failure>(client));
  CHECK(std::get<Failure>(client).status == Status::bad_input);
}
