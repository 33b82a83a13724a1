// memory HOW PAYLOAD TAG: executes a copy of PAYLOAD that is in memory only.
//   plain   memfd_create without flags
//   exec    memfd_create with MFD_EXEC
// Exit status 126 and the error in words if the kernel refuses: "create: …" or "execute: …".
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refused(const char* what) { return fprintf(stderr, "%s: %s\n", what, strerror(errno)), 126; }

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  static char buffer[65536];
  char* arguments[] = {argv[3], argv[3], NULL};
  char* environment[] = {NULL};
  const unsigned flags = strcmp(argv[1], "exec") == 0 ? 0x10U /* MFD_EXEC */ : 0U;
  const int memory = (int)syscall(SYS_memfd_create, "memory", flags);
  if (memory < 0) return refused("create");
  const int in = open(argv[2], O_RDONLY | O_CLOEXEC);
  ssize_t n;
  while (in >= 0 && (n = read(in, buffer, sizeof buffer)) > 0)
    if (write(memory, buffer, (size_t)n) != n) return 1;
  if (in < 0) return perror(argv[2]), 1;
  syscall(SYS_execveat, memory, "", arguments, environment, AT_EMPTY_PATH);
  return refused("execute");
}
