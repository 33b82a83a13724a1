// noname HOW PAYLOAD TAG: executes a copy of PAYLOAD that has no name, or is not executed by its name.
//   otmpfile    an O_TMPFILE, through /proc/self/fd
//   unlinked    a file that is unlinked before it is executed through /proc/self/fd
//   dirfd       execveat(directory, "name")
//   empty-path  execveat(fd, "", AT_EMPTY_PATH)
//   relative    chdir into a directory and execute "./name"
//   check       execveat(fd, "", AT_EMPTY_PATH | AT_EXECVE_CHECK): asks only; exit status 0 if the kernel would run it
// Exit status 126 and the error in words if the kernel refuses.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int copy(const char* from, int to) {
  static char buffer[65536];
  const int in = open(from, O_RDONLY | O_CLOEXEC);
  ssize_t n;
  while (in >= 0 && (n = read(in, buffer, sizeof buffer)) > 0)
    if (write(to, buffer, (size_t)n) != n) return -1;
  return in < 0 ? -1 : fchmod(to, 0755);
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const char* how = argv[1];
  char* arguments[] = {argv[3], argv[3], NULL};
  char* environment[] = {NULL};
  char name[64], path[128], link[64];
  snprintf(name, sizeof name, "noname-%s", argv[3]);
  snprintf(path, sizeof path, "/tmp/%s", name);
  const int made = strcmp(how, "otmpfile") == 0 ? open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0755)
                                                : open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0755);
  if (made < 0 || copy(argv[2], made) != 0) return perror(path), 1;
  // A descriptor open for writing would make the kernel itself refuse: open again for reading, then close the writer.
  snprintf(link, sizeof link, "/proc/self/fd/%d", made);
  const int file = open(link, O_RDONLY);
  close(made);
  if (file < 0) return perror(link), 1;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  if (strcmp(how, "unlinked") == 0) unlink(path);
  if (strcmp(how, "otmpfile") == 0 || strcmp(how, "unlinked") == 0) execve(link, arguments, environment);
  if (strcmp(how, "dirfd") == 0)
    syscall(SYS_execveat, open("/tmp", O_PATH | O_DIRECTORY), name, arguments, environment, 0);
  if (strcmp(how, "empty-path") == 0) syscall(SYS_execveat, file, "", arguments, environment, AT_EMPTY_PATH);
  if (strcmp(how, "relative") == 0 && chdir("/tmp") == 0) {
    snprintf(path, sizeof path, "./%s", name);
    execve(path, arguments, environment);
  }
  if (strcmp(how, "check") == 0 &&
      syscall(SYS_execveat, file, "", arguments, environment, AT_EMPTY_PATH | 0x10000 /* AT_EXECVE_CHECK */) == 0)
    return 0;
  return fprintf(stderr, "refused: %s\n", strerror(errno)), 126;
}
