#include <doctest/doctest.h>

#include "holdfast/gate/exec_history.h"

#include "../../src/gate/writer_table.h"

using namespace holdfast;
using namespace holdfast::gate;
using namespace std::chrono_literals;

namespace {

const auto kBegin = Steady::now() - 100s;

Program program(pid_t pid, pid_t parent, const char* exe, Steady::duration after) {
  Program made;
  made.pid = pid;
  made.parent_pid = parent;
  made.exe = exe;
  made.cmdline = {exe};
  made.at = kBegin + after;
  return made;
}

std::string exe_of(ExecHistory& history, pid_t pid) {
  const auto found = history.who(pid);
  return found ? found->exe : "";
}

}  // namespace

TEST_CASE("a process goes by what it executed last") {
  ExecHistory history;
  CHECK(!history.who(10));
  (void)history.note(program(10, 1, "/bin/sh", 1s));
  (void)history.note(program(10, 1, "/bin/cp", 2s));
  CHECK(exe_of(history, 10) == "/bin/cp");
}

TEST_CASE("a process that has executed nothing goes by its parent's program, and by its own number") {
  ExecHistory history;
  (void)history.note(program(10, 1, "/bin/sh", 1s));
  history.note_forks({{10, 11, kBegin + 2s}, {11, 12, kBegin + 3s}});
  REQUIRE(history.who(12));
  CHECK(history.who(12)->exe == "/bin/sh");
  CHECK(history.who(12)->pid == 12);
  CHECK(history.who(12)->parent_pid == 11);
  CHECK(history.ancestors(history.who(12)).size() == 2);
}

TEST_CASE("what the parent executes after the fork is not the child's program") {
  ExecHistory history;
  (void)history.note(program(10, 1, "/bin/sh", 1s));
  history.note_forks({{10, 11, kBegin + 2s}});
  (void)history.note(program(10, 1, "/bin/curl", 5s));
  CHECK(!history.who(11));
}

TEST_CASE("a number that was given again is not the earlier process") {
  ExecHistory history;
  (void)history.note(program(11, 1, "/bin/apt", 1s));
  history.note_forks({{10, 11, kBegin + 50s}});
  CHECK(!history.who(11));
  (void)history.note(program(10, 1, "/bin/sh", 2s));
  CHECK(exe_of(history, 11) == "/bin/sh");
}

TEST_CASE("ancestors are those of the moment of the execution") {
  ExecHistory history;
  (void)history.note(program(10, 1, "/bin/sh", 1s));
  const auto child = history.note(program(11, 10, "/bin/cp", 2s));
  (void)history.note(program(10, 1, "/bin/other", 60s));
  const auto ancestors = history.ancestors(child);
  REQUIRE(ancestors.size() == 1);
  CHECK(ancestors[0]->exe == "/bin/sh");
}

TEST_CASE("a long chain of processes is cut, not followed for ever") {
  ExecHistory history;
  for (pid_t pid = 2; pid < 20'000; ++pid) {
    (void)history.note(program(pid, pid - 1, "/bin/sh", std::chrono::milliseconds(pid)));
  }
  CHECK(history.ancestors(history.who(19'999)).size() <= 32);
}

TEST_CASE("memory is bounded: arguments go first, and what is let go of is given back") {
  ExecHistory history({.sets = 1024, .bytes = 64 * 1024});
  std::vector<ExecHistory::Shared> held;
  for (pid_t pid = 2; pid < 3000; ++pid) {
    auto big = program(pid, 1, "/bin/sh", std::chrono::milliseconds(pid));
    big.cmdline = {std::string(1000, 'x')};
    held.push_back(history.note(std::move(big)));
  }
  CHECK(held.back()->cmdline.empty());
  CHECK(history.bytes() < 64 * 1024 + held.size() * 400);
  held.clear();
  history.forget_all();
  CHECK(history.bytes() == 0);
}

TEST_CASE("a path that had to be cut is not to be trusted") {
  ExecHistory history;
  auto odd = program(10, 1, std::string(5000, 'x').c_str(), 1s);
  odd.device = 7;
  CHECK(history.note(std::move(odd))->device == 0);
}

TEST_CASE("the last writer of a file is kept, by the file's birth too") {
  WriterTable table(4);
  const FileVersion file{1, 2, 3, 4};
  CHECK(!table.find(file));
  table.note(file, {nullptr, 10, Wall::now(), alert::Hand::wrote, false, 4});
  table.note(file, {nullptr, 11, Wall::now(), alert::Hand::wrote, false, 4});
  REQUIRE(table.find(file));
  CHECK(table.find(file)->pid == 11);
  CHECK(!table.find({1, 2, 99, 4}));
  CHECK(!table.find({2, 2, 3, 4}));
}

TEST_CASE("of too many files the oldest are forgotten") {
  WriterTable table(4);
  const auto begin = Wall::now();
  for (ino_t inode = 1; inode <= 1000; ++inode) {
    table.note({1, inode, 0, 0}, {nullptr, 1, begin + std::chrono::seconds(inode), alert::Hand::wrote, false, 0});
  }
  CHECK(table.find({1, 1000, 0, 0}));
  CHECK(!table.find({1, 1, 0, 0}));
}

TEST_CASE("what may be mixed up with what was lost is forgotten") {
  WriterTable table(16);
  const auto begin = Wall::now();
  table.note({1, 1, 0, 0}, {nullptr, 1, begin - 1s, alert::Hand::wrote, false, 0});
  table.note({1, 2, 0, 0}, {nullptr, 1, begin + 1s, alert::Hand::wrote, false, 0});
  table.forget_since(begin);
  CHECK(table.find({1, 1, 0, 0}));
  CHECK(!table.find({1, 2, 0, 0}));
}
