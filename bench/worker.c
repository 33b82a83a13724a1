// The first process of a measured container. It says "ready", then obeys lines on its standard input until that ends:
//   exec N PROGRAM     N times vfork, execve and wait
//   refuse N PROGRAM   N times an execve that must fail with EPERM
// Each is answered with one line: N times in nanoseconds, or "error …".
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kMost = 4096 };

static long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

static const char* execute(char* program, long* ns) {
  char* const arguments[] = {program, NULL};
  char* const environment[] = {NULL};
  const long begin = now_ns();
  volatile int failure = 0;
  const pid_t child = vfork();
  if (child == 0) {
    execve(program, arguments, environment);
    failure = errno;
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return "no process could be made";
  *ns = now_ns() - begin;
  if (failure != 0) return strerror(failure);
  return status == 0 ? NULL : "the program did not end well";
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
    for (int i = 0; i < n && error == NULL; i++)
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
