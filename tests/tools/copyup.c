// copyup [--truncate] FILE…: executes each chameleon, untouched so far, once, while a second thread copies it up by
// opening it for writing, makes it evil and closes it; which of the two is first moves from file to file, to fall
// between the verdict on the image's bytes and the execution. With --truncate the page is cut off and grown again
// instead, which breaks no lease. Says "good=N evil=N denied=N busy=N killed=N other=N changes=N" as racer does.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "chameleon.h"

static const char* file;
static off_t where;
static double writer_delay, runner_delay;
static int by_truncate;
static off_t length;
static atomic_bool go;
static atomic_ulong changes;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void wait_for(double seconds) {
  for (const double end = now() + seconds; now() < end;) {
  }
}

static void* change(void* nothing) {
  while (!go) {
  }
  wait_for(writer_delay);
  if (by_truncate) {
    changes += truncate(file, where & ~(off_t)4095) == 0 && truncate(file, length) == 0;
    return nothing;
  }
  const int fd = open(file, O_WRONLY);
  if (fd >= 0 && pwrite(fd, "e", 1, where) == 1) changes++;
  if (fd >= 0) close(fd);
  return nothing;
}

int main(int argc, char** argv) {
  unsigned long good = 0, evil = 0, denied = 0, busy = 0, killed = 0, other = 0;
  by_truncate = argc > 1 && strcmp(argv[1], "--truncate") == 0;
  for (int i = 1 + by_truncate; i < argc; i++) {
    file = argv[i];
    const int fd = open(file, O_RDONLY);
    if (fd < 0 || (where = colour_offset(fd)) < 0) return perror(file), 1;
    length = lseek(fd, 0, SEEK_END);
    close(fd);
    const double shift = (i % 80 - 40) * 10e-6;
    writer_delay = shift > 0 ? shift : 0;
    runner_delay = shift < 0 ? -shift : 0;
    go = 0;
    pthread_t changer;
    if (pthread_create(&changer, NULL, change, NULL) != 0) return 1;
    char* const arguments[] = {argv[i], NULL};
    char* const environment[] = {NULL};
    pid_t child;
    int status = 0;
    go = 1;
    wait_for(runner_delay);
    const int error = posix_spawn(&child, file, NULL, NULL, arguments, environment);
    if (error == 0) waitpid(child, &status, 0);
    pthread_join(changer, NULL);
    if (error == EPERM || error == EACCES)
      denied++;
    else if (error == ETXTBSY)
      busy++;
    else if (error != 0)
      other++;
    else if (WIFSIGNALED(status))
      killed++;
    else if (WEXITSTATUS(status) == 0)
      good++;
    else
      evil++;
  }
  printf("good=%lu evil=%lu denied=%lu busy=%lu killed=%lu other=%lu changes=%lu\n", good, evil, denied, busy, killed,
         other, (unsigned long)changes);
  return 0;
}
