// timed NAMESPACE_FD PROGRAM ARGUMENT…: executes the program in that mount namespace and prints "NANOSECONDS STATUS":
// from just before it is spawned to its end.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

static long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const int space = atoi(argv[1]);
  if (setns(space, CLONE_NEWNS) != 0 || close(space) != 0 || chdir("/") != 0) return perror("setns"), 1;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, 2, 1);  // what it says is for the log
  pid_t child = 0;
  int status = 0;
  const long begin = now_ns();
  const int error = posix_spawn(&child, argv[2], &actions, NULL, argv + 2, environ);
  if (error != 0) return fprintf(stderr, "%s: %s\n", argv[2], strerror(error)), 1;
  if (waitpid(child, &status, 0) != child) return perror("waitpid"), 1;
  const long end = now_ns();
  printf("\n%ld %d\n", end - begin, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}
