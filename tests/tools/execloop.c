// execloop MILLISECONDS PROCESSES PROGRAM…: that many processes execute the programs in turn until the time is over
// or /tmp/stop is there (exit status of a program: 0 counts as ran); execloop TIMESx …: each so many times. Says "ran=N
// denied=N other=N slowest=MILLISECONDS": one execution that hangs shows as the slowest, and as an end that does not
// come.
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct Counts {
  unsigned long ran, denied, other;
  double slowest;
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void work(struct Counts* counts, double end, long times, char** programs, int n) {
  char* const environment[] = {NULL};
  for (long i = 0; i < times && now() < end && access("/tmp/stop", F_OK) != 0; i++) {
    char* const arguments[] = {programs[i % n], NULL};
    const double begin = now();
    pid_t child;
    int status = -1;
    const int error = posix_spawn(&child, programs[i % n], NULL, NULL, arguments, environment);
    if (error == 0) waitpid(child, &status, 0);
    if (error == EPERM || error == EACCES)
      counts->denied++;
    else if (error == 0 && status == 0)
      counts->ran++;
    else
      counts->other++;
    if (now() - begin > counts->slowest) counts->slowest = now() - begin;
  }
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  char* unit;
  const double number = strtod(argv[1], &unit);
  const int by_times = *unit == 'x';
  const double end = by_times ? HUGE_VAL : now() + number;
  const long times = by_times ? (long)number : LONG_MAX;
  const int processes = atoi(argv[2]);
  struct Counts* shared =
      mmap(NULL, sizeof(struct Counts) * (size_t)processes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return perror("mmap"), 1;
  (void)!freopen("/dev/null", "r", stdin);
  const int out = dup(1);
  (void)!freopen("/dev/null", "w", stdout);
  for (int i = 0; i < processes; i++)
    if (fork() == 0) {
      work(&shared[i], end, times, argv + 3, argc - 3);
      _exit(0);
    }
  while (wait(NULL) > 0) {
  }
  struct Counts sum = {0};
  for (int i = 0; i < processes; i++) {
    sum.ran += shared[i].ran, sum.denied += shared[i].denied, sum.other += shared[i].other;
    if (shared[i].slowest > sum.slowest) sum.slowest = shared[i].slowest;
  }
  dprintf(out, "ran=%lu denied=%lu other=%lu slowest=%.0f\n", sum.ran, sum.denied, sum.other, sum.slowest);
  return 0;
}
