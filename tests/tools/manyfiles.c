// manyfiles COUNT PAYLOAD DIRECTORY: makes COUNT programs of different content from PAYLOAD, one after the other, and
// executes each. Says "ran=N denied=N other=N".
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
  static char bytes[1 << 20], path[4096];
  if (argc != 4) return 2;
  const int in = open(argv[2], O_RDONLY);
  const ssize_t n = in < 0 ? -1 : read(in, bytes, sizeof bytes - sizeof(int));
  if (n <= 0) return perror(argv[2]), 1;
  unsigned long ran = 0, denied = 0, other = 0;
  for (int i = 0; i < atoi(argv[1]); i++) {
    memcpy(bytes + n, &i, sizeof i);
    snprintf(path, sizeof path, "%s/many-%d", argv[3], i);
    const int out = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755);
    if (out < 0 || write(out, bytes, (size_t)n + sizeof i) != n + (ssize_t)sizeof i) return perror(path), 1;
    close(out);
    char* const arguments[] = {path, NULL};
    char* const environment[] = {NULL};
    pid_t child;
    int status = 0;
    const int error = posix_spawn(&child, path, NULL, NULL, arguments, environment);
    if (error == 0) waitpid(child, &status, 0);
    if (error == EPERM || error == EACCES)
      denied++;
    else if (error == 0)
      ran++;
    else
      other++;
    unlink(path);
  }
  printf("ran=%lu denied=%lu other=%lu\n", ran, denied, other);
  return 0;
}
