// reuse FILE PAYLOAD TAG: FILE is executed (allowed), unlinked, and PAYLOAD is written under its name until the new
// file has FILE's old inode number; its size and modification time are FILE's too. Then it is executed. Says "same" or
// "other" for the inode number; exit status 126 if the execution is refused, 3 if the inode number did not come back.
// reuse --for SECONDS FILE ORIGINAL PAYLOAD TAG: that again and again, each time with FILE a new copy of ORIGINAL. Says
// "good=N evil=N denied=N busy=0 killed=0 other=N changes=N" as racer does; other: the number did not come back.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
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

// Whether the file has its inode number again after at most that many tries; -1: an error.
static int reuse_number(const char* file, const char* payload, const struct stat* old, int tries) {
  struct stat fresh = {0};
  int i = 0, found = 0;
  if (unlink(file) != 0) return perror(file), -1;
  for (; i < tries && !found; i++) {  // the old one may be held for a moment by whoever judged it
    if (write_like(file, payload, old) != 0 || stat(file, &fresh) != 0) return perror(file), -1;
    if ((found = fresh.st_ino == old->st_ino)) break;
    char aside[64];
    snprintf(aside, sizeof aside, "/tmp/aside-%d", i);  // keeps its number, which would only be handed out again
    if (rename(file, aside) != 0) return perror(aside), -1;
    usleep(1000);
  }
  while (i-- > 0) {
    char aside[64];
    snprintf(aside, sizeof aside, "/tmp/aside-%d", i);
    unlink(aside);
  }
  return found;
}

static int copy(const char* from, const char* to) {
  static char bytes[1 << 20];
  const int in = open(from, O_RDONLY);
  const ssize_t n = in < 0 ? -1 : read(in, bytes, sizeof bytes);
  close(in);
  const int out = open(to, O_CREAT | O_TRUNC | O_WRONLY, 0755);
  if (n < 0 || out < 0 || write(out, bytes, (size_t)n) != n) return -1;
  return close(out);
}

static int loop(long seconds, char* file, char* original, const char* payload, char* tag) {
  unsigned long good = 0, evil = 0, denied = 0, other = 0, changes = 0;
  struct stat old;
  for (const time_t end = time(NULL) + seconds; time(NULL) < end;) {
    if (copy(original, file) != 0 || stat(file, &old) != 0) return perror(file), 1;
    if (run(file, tag) == 0) good++;
    const int found = reuse_number(file, payload, &old, 20);
    if (found < 0) return 1;
    if (found) {
      changes++;
      const int status = run(file, tag);
      if (status == 126)
        denied++;
      else
        evil++;
      unlink(file);
    } else {
      other++;
    }
  }
  printf("good=%lu evil=%lu denied=%lu busy=0 killed=0 other=%lu changes=%lu\n", good, evil, denied, other, changes);
  return 0;
}

int main(int argc, char** argv) {
  struct stat old;
  if (argc == 7 && strcmp(argv[1], "--for") == 0) return loop(atol(argv[2]), argv[3], argv[4], argv[5], argv[6]);
  if (argc != 4 || stat(argv[1], &old) != 0) return 2;
  if (run(argv[1], argv[3]) != 0) return fprintf(stderr, "the first execution was refused\n"), 4;
  const int found = reuse_number(argv[1], argv[2], &old, 3000);
  if (found < 0) return 1;
  puts(found ? "same" : "other");
  fflush(stdout);
  return found ? run(argv[1], argv[3]) : 3;
}
