// exectime COUNT PROGRAM: executes PROGRAM so many times, a millisecond apart, and says how long each took (vfork,
// execve, wait), in microseconds, a line each. Exit status 1 if one was refused.
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  char* const arguments[] = {argv[2], NULL};
  char* const environment[] = {NULL};
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", 1 /* O_WRONLY */, 0);
  for (int i = 0; i < atoi(argv[1]); i++) {
    pid_t child;
    int status = -1;
    const double begin = now();
    if (posix_spawn(&child, argv[2], &quiet, NULL, arguments, environment) != 0) return perror(argv[2]), 1;
    if (waitpid(child, &status, 0) != child || status != 0) return 1;
    printf("%.0f\n", now() - begin);
    usleep(1000);
  }
  return 0;
}
