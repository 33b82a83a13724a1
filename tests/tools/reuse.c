// reuse FILE PAYLOAD TAG: FILE is executed (allowed), unlinked, and PAYLOAD is written under its name until the new
// file has FILE's old inode number; its size and modification time are FILE's too. Then it is executed. Says "same" or
// "other" for the inode number; exit status 126 if the execution is refused, 3 if the inode number did not come back.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(char* file, char* tag) {
  const pid_t child = fork();
  if (child == 0) {
    char* const arguments[] = {file, tag, NULL};
    execv(file, arguments);
    _exit(errno == ENOEXEC ? 125 : 126);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int write_like(const char* file, const char* payload, const struct stat* old) {
  static char bytes[1 << 20];
  const int in = open(payload, O_RDONLY);
  const ssize_t n = in < 0 ? -1 : read(in, bytes, sizeof bytes);
  close(in);
  const int out = open(file, O_CREAT | O_EXCL | O_WRONLY, 0755);
  if (n < 0 || out < 0 || write(out, bytes, (size_t)n) != n || fchmod(out, old->st_mode) != 0) return -1;
  const struct timespec times[2] = {old->st_atim, old->st_mtim};
  if (ftruncate(out, old->st_size) != 0 || futimens(out, times) != 0) return -1;
  return close(out);
}

int main(int argc, char** argv) {
  struct stat old, fresh;
  if (argc != 4 || stat(argv[1], &old) != 0) return 2;
  if (run(argv[1], argv[3]) != 0) return fprintf(stderr, "the first execution was refused\n"), 4;
  if (unlink(argv[1]) != 0) return perror(argv[1]), 1;
  for (int i = 0; i < 3000; i++) {  // the old one may be held for a moment by whoever judged it
    if (write_like(argv[1], argv[2], &old) != 0 || stat(argv[1], &fresh) != 0) return perror(argv[1]), 1;
    if (fresh.st_ino == old.st_ino) break;
    char aside[64];
    snprintf(aside, sizeof aside, "/tmp/aside-%d", i);  // keeps its number, which would only be handed out again
    if (rename(argv[1], aside) != 0) return perror(aside), 1;
    usleep(1000);
  }
  puts(fresh.st_ino == old.st_ino ? "same" : "other");
  fflush(stdout);
  if (fresh.st_ino != old.st_ino) return 3;
  return run(argv[1], argv[3]);
}
