// memrun HOW PROGRAM ARGUMENT…: executes a copy of PROGRAM from memory.
//   memfd   a memfd, through /proc/self/fd
//   wait    the same, but first says READY and waits for a line on its standard input
//   detached  a file of a tmpfs that is mounted nowhere (fsopen(2), fsmount(2)), so that nobody can find it to mark it
// Exit status 126 and the error in words if the kernel refuses.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Of linux/mount.h, which does not agree with sys/mount.h.
enum { kCreate = 6 /* FSCONFIG_CMD_CREATE */ };

static int open_detached(void) {
  const int context = (int)syscall(SYS_fsopen, "tmpfs", 0);
  if (context < 0 || syscall(SYS_fsconfig, context, kCreate, NULL, NULL, 0) != 0) return -1;
  const int mount = (int)syscall(SYS_fsmount, context, 0, 0);
  return mount < 0 ? -1 : openat(mount, "run", O_CREAT | O_RDWR | O_CLOEXEC, 0755);
}

int main(int argc, char** argv) {
  static char buffer[65536];
  char link[64];
  ssize_t n;
  if (argc < 3) return 2;
  const int in = open(argv[2], O_RDONLY | O_CLOEXEC);
  int memfd = strcmp(argv[1], "detached") == 0 ? open_detached() : memfd_create("run", 0);
  if (in < 0 || memfd < 0) return perror(argv[2]), 1;
  while ((n = read(in, buffer, sizeof buffer)) > 0)
    if (write(memfd, buffer, (size_t)n) != n) return perror("write"), 1;
  if (strcmp(argv[1], "wait") == 0) {
    puts("READY");
    fflush(stdout);
    if (fgets(buffer, sizeof buffer, stdin) == NULL) return 1;
  }
  if (strcmp(argv[1], "detached") == 0) {  // a descriptor open for writing would make the kernel itself refuse
    snprintf(link, sizeof link, "/proc/self/fd/%d", memfd);
    const int reopened = open(link, O_RDONLY);
    close(memfd);
    memfd = reopened;
  }
  snprintf(link, sizeof link, "/proc/self/fd/%d", memfd);
  execv(link, argv + 2);
  return fprintf(stderr, "refused: %s\n", strerror(errno)), 126;
}
