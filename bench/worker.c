// The first process of a measured container. It says "ready", then obeys lines on its standard input until that ends:
//   exec N PROGRAM     N times vfork, execve and wait
//   refuse N PROGRAM   N times an execve that must fail with EPERM
//   unpack 1 ARCHIVE   a tar of it into a directory of its own, which stays
// Each is answered with one line: N times in nanoseconds, or "error …"; of `unpack`, how long it took and how long a
// processor worked for it.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kMost = 4096 };

static long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

static long nanoseconds(struct timeval t) { return t.tv_sec * 1000000000L + t.tv_usec * 1000L; }

/// `worked`: what a processor did for it, unless it is NULL.
static const char* run(char* const arguments[], long* ns, long* worked) {
  char* const environment[] = {NULL};
  const long begin = now_ns();
  volatile int failure = 0;
  const pid_t child = vfork();
  if (child == 0) {
    execve(arguments[0], arguments, environment);
    failure = errno;
    _exit(127);
  }
  int status = 0;
  struct rusage usage;
  if (child < 0 || wait4(child, &status, 0, &usage) != child) return "no process could be made";
  *ns = now_ns() - begin;
  if (worked != NULL) *worked = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
  if (failure != 0) return strerror(failure);
  return status == 0 ? NULL : "the program did not end well";
}

static const char* execute(char* program, long* ns) {
  char* const arguments[] = {program, NULL};
  return run(arguments, ns, NULL);
}

/// Sets two numbers. Nothing is removed in between: ext4 looks for a new file's inode past all that were deleted in the
/// last minutes, which takes any time.
static const char* unpack(char* archive, long* ns) {
  static int count;
  char folder[32];
  snprintf(folder, sizeof folder, "/unpacked-%d", ++count);
  char* const tar[] = {"/bench/busybox", "tar", "-x", "-C", folder, "-f", archive, NULL};
  if (mkdir(folder, 0755) != 0) return strerror(errno);
  return run(tar, &ns[0], &ns[1]);
}

static const char* be_refused(char* program, long* ns) {
  char* const arguments[] = {program, NULL};
  char* const environment[] = {NULL};
  const long begin = now_ns();
  execve(program, arguments, environment);
  *ns = now_ns() - begin;
  return errno == EPERM ? NULL : strerror(errno);
}

int main(void) {
  static long times[kMost];
  char line[512], verb[16], program[256];
  int n = 0;
  puts("ready");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) {
    const char* error = NULL;
    if (sscanf(line, "%15s %d %255s", verb, &n, program) != 3 || n < 0 || n > kMost) error = "what?";
    const int unpacks = strcmp(verb, "unpack") == 0;
    if (unpacks && error == NULL) {
      error = n == 1 ? unpack(program, times) : "once";
      n = 2;
    }
    for (int i = 0; i < n && error == NULL && !unpacks; i++)
      error = strcmp(verb, "exec") == 0 ? execute(program, &times[i]) : be_refused(program, &times[i]);
    if (error != NULL) {
      printf("error %s\n", error);
    } else {
      for (int i = 0; i < n; i++) printf(i == 0 ? "%ld" : " %ld", times[i]);
      putchar('\n');
    }
    fflush(stdout);
  }
  return 0;
}
