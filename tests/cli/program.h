#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

#include "holdfast/base/unique_fd.h"

/// What a run of a program left behind.
struct Outcome {
  int status = -1;
  std::string out, err;
};

/// Runs the built `holdfast` with its outputs in pipes.
inline Outcome run_holdfast(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {HOLDFAST_BINARY};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  std::array<holdfast::UniqueFd, 2> readers, writers;
  for (std::size_t i = 0; i < 2; ++i) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    readers.at(i).reset(ends[0]);
    writers.at(i).reset(ends[1]);
  }
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) {
    ::dup2(writers[0].get(), STDOUT_FILENO);
    ::dup2(writers[1].get(), STDERR_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  for (auto& writer : writers) writer.reset();

  Outcome outcome;
  std::array<std::string*, 2> texts = {&outcome.out, &outcome.err};
  std::array<pollfd, 2> waited = {{{readers[0].get(), POLLIN, 0}, {readers[1].get(), POLLIN, 0}}};
  while (waited[0].fd >= 0 || waited[1].fd >= 0) {
    if (::poll(waited.data(), waited.size(), -1) < 0) continue;
    for (std::size_t i = 0; i < 2; ++i) {
      if (waited.at(i).fd < 0 || waited.at(i).revents == 0) continue;
      std::array<char, 4096> block;
      const ssize_t got = ::read(waited.at(i).fd, block.data(), block.size());
      if (got > 0) {
        texts.at(i)->append(block.data(), static_cast<std::size_t>(got));
      } else {
        waited.at(i).fd = -1;
      }
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status)) outcome.status = WEXITSTATUS(status);
  return outcome;
}
