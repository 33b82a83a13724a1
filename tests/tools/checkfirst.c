// checkfirst PROGRAM LOADER [ARGUMENT…]: asks the kernel whether it would execute PROGRAM (AT_EXECVE_CHECK), then
// executes LOADER with the arguments. Exit status 126 and the error in words if either is refused.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  char* environment[] = {NULL};
  const int program = open(argv[1], O_RDONLY | O_CLOEXEC);
  if (syscall(SYS_execveat, program, "", argv + 1, environment, AT_EMPTY_PATH | 0x10000 /* AT_EXECVE_CHECK */) != 0)
    return fprintf(stderr, "check refused: %s\n", strerror(errno)), 126;
  execve(argv[2], argv + 2, environment);
  return fprintf(stderr, "refused: %s\n", strerror(errno)), 126;
}
