#include <cerrno>
#include <cstdio>
#include <exception>

#include "holdfast/base/result.h"
#include "holdfast/cli/command.h"
#include "holdfast/cli/output.h"

int main(int argc, char** argv) {
  using holdfast::cli::Status;
  Status status = Status::bad_input;
  try {
    status = holdfast::cli::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    holdfast::cli::complain(error.what());
  }
  // A full disk must not look like a short but complete answer.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    holdfast::cli::complain(holdfast::errno_error("cannot write the output").message);
    status = Status::bad_input;
  }
  return static_cast<int>(status);
}
