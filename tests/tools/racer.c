// racer MODE MILLISECONDS FILE [OTHER]: executes FILE, a chameleon, again and again while a second thread changes it,
// and says how it went: "good=N evil=N denied=N busy=N killed=N other=N changes=N". Evil and killed are executions of
// bytes that nobody can have judged. Modes:
// - held: a shared writable mapping whose descriptor is closed stays for the whole run; stores through it flip the byte
// - window: the mapping is made and given up in a tight loop, to fall between a verdict and the execution; it is kept
//   for longer and longer, as executions take 0.1 ms on one machine and 2 ms on another
// - write: open, pwrite, close in a tight loop
// - truncate: the page is cut off and grown again (zeros) by truncate(2), then written back
// - exchange: FILE and OTHER (a payload) change places by renameat2(RENAME_EXCHANGE)
// - replace: OTHER is linked to a fresh name and renamed over FILE, then a copy of the old FILE is renamed back
// - links: FILE is written through another hard link, then it is a hard link of OTHER for a moment
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "chameleon.h"

static const char *file, *other;
static off_t where, length;
static atomic_bool stop;
static atomic_ulong changes;
static char* held;       // the mapping of mode "held"
static char tail[4096];  // the page that "truncate" cuts off

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void pause_for(double seconds) {
  for (const double end = now() + seconds; now() < end;) {
  }
}

static char* map_page(void) {
  const int fd = open(file, O_RDWR);
  if (fd < 0) return MAP_FAILED;
  char* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, where & ~(off_t)4095);
  close(fd);
  return page;
}

static void flip_held(void) {
  held[where & 4095] = 'e';
  pause_for(20e-6);
  held[where & 4095] = 'g';
  pause_for(20e-6);
  changes++;
}

static void flip_in_window(void) {
  char* page = map_page();
  if (page == MAP_FAILED) return;
  page[where & 4095] = 'e';
  pause_for(30e-6 * (double)(1UL << changes % 8));
  page[where & 4095] = 'g';
  munmap(page, 4096);
  changes++;
}

static void write_byte(char colour) {
  const int fd = open(file, O_WRONLY);
  if (fd < 0) return;
  if (pwrite(fd, &colour, 1, where) == 1) changes++;
  close(fd);
}

static void cut_and_grow(void) {
  if (truncate(file, where & ~(off_t)4095) != 0 || truncate(file, length) != 0) return;
  pause_for(20e-6);
  const int fd = open(file, O_WRONLY);
  if (fd < 0) return;
  if (pwrite(fd, tail, sizeof tail, where & ~(off_t)4095) > 0) changes++;
  close(fd);
}

static void replace_and_back(void) {
  static const char good[] = "/tmp/racer-good", evil[] = "/tmp/racer-evil";
  unlink(good), unlink(evil);
  if (link(file, good) != 0 || link(other, evil) != 0) return;
  if (rename(evil, file) != 0) return;
  pause_for(10e-6);
  if (rename(good, file) == 0) changes++;
}

static void write_through_link_and_swap(void) {
  static const char good[] = "/tmp/racer-link", swap[] = "/tmp/racer-swap";
  const int fd = open(good, O_WRONLY);
  if (fd >= 0 && pwrite(fd, "e", 1, where) == 1) {
    pause_for(10e-6);
    if (pwrite(fd, "g", 1, where) == 1) changes++;
  }
  if (fd >= 0) close(fd);
  if (link(other, swap) != 0 || rename(swap, file) != 0) return;
  pause_for(10e-6);
  if (link(good, swap) == 0 && rename(swap, file) == 0) changes++;
}

static void* change_loop(void* mode_pointer) {
  const char* mode = mode_pointer;
  while (!stop) {
    if (strcmp(mode, "held") == 0) flip_held();
    if (strcmp(mode, "window") == 0) flip_in_window();
    if (strcmp(mode, "write") == 0) write_byte('e'), pause_for(10e-6), write_byte('g');
    if (strcmp(mode, "truncate") == 0) cut_and_grow();
    if (strcmp(mode, "exchange") == 0)
      changes += syscall(SYS_renameat2, AT_FDCWD, file, AT_FDCWD, other, 2 /* RENAME_EXCHANGE */) == 0;
    if (strcmp(mode, "replace") == 0) replace_and_back();
    if (strcmp(mode, "links") == 0) write_through_link_and_swap();
  }
  return NULL;
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  file = argv[3];
  other = argc > 4 ? argv[4] : "";
  struct stat st;
  const int fd = open(file, O_RDONLY);
  if (fd < 0 || fstat(fd, &st) != 0 || (where = colour_offset(fd)) < 0) return perror(file), 1;
  length = st.st_size;
  if (pread(fd, tail, sizeof tail, where & ~(off_t)4095) <= 0) return perror(file), 1;
  close(fd);
  // Made before the first execution: the kernel refuses to open what runs for writing.
  if (strcmp(argv[1], "held") == 0 && (held = map_page()) == MAP_FAILED) return perror("mmap"), 1;
  if (strcmp(argv[1], "links") == 0 && link(file, "/tmp/racer-link") != 0) return perror("link"), 1;
  char* const arguments[] = {argv[3], argv[3], NULL};
  char* const environment[] = {NULL};
  pthread_t changer;
  if (pthread_create(&changer, NULL, change_loop, argv[1]) != 0) return 1;
  unsigned long good = 0, evil = 0, denied = 0, busy = 0, killed = 0, rest = 0;
  for (const double end = now() + atof(argv[2]) / 1000; now() < end;) {
    pid_t child;
    int status = 0;
    const int error = posix_spawn(&child, file, NULL, NULL, arguments, environment);
    if (error == EPERM || error == EACCES)
      denied++;
    else if (error == ETXTBSY)
      busy++;
    else if (error != 0)
      rest++;
    else if (waitpid(child, &status, 0) != child)
      return 1;
    else if (WIFSIGNALED(status))
      killed++;
    else if (WEXITSTATUS(status) == 0)
      good++;  // or OTHER ran, which leaves its marker
    else
      evil++;
  }
  stop = 1;
  pthread_join(changer, NULL);
  printf("good=%lu evil=%lu denied=%lu busy=%lu killed=%lu other=%lu changes=%lu\n", good, evil, denied, busy, killed,
         rest, (unsigned long)changes);
  return 0;
}
