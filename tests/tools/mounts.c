// mounts HOW PAYLOAD TAG …: executes a copy of PAYLOAD from a mount that nobody else can look up by its path.
//   detached PAYLOAD TAG            a tmpfs made by fsopen and fsmount, attached nowhere, execveat on it
//   clone PAYLOAD TAG DIRECTORY     open_tree(DIRECTORY, OPEN_TREE_CLONE), execveat on that
//   race PAYLOAD TAG ROUNDS         a new tmpfs is mounted, PAYLOAD copied there and executed at once, ROUNDS times;
//   every
//                                   other round in a mount namespace made for it. PAYLOAD must linger (payload.c): says
//                                   "denied=N killed=N ran=N other=N"
// Exit status 126 and the error in words if the kernel refuses.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int copy_to(int directory, const char* name, const char* payload) {
  static char buffer[65536];
  const int in = open(payload, O_RDONLY | O_CLOEXEC);
  const int out = openat(directory, name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755);
  ssize_t n;
  while (in >= 0 && out >= 0 && (n = read(in, buffer, sizeof buffer)) > 0)
    if (write(out, buffer, (size_t)n) != n) return -1;
  close(in);
  return in < 0 || out < 0 ? -1 : close(out);
}

static int refused(void) { return fprintf(stderr, "refused: %s\n", strerror(errno)), 126; }

static int execute_in(int directory, const char* payload, char* tag) {
  char* arguments[] = {tag, tag, NULL};
  char* environment[] = {NULL};
  if (directory < 0) return refused();
  if (copy_to(directory, "evil", payload) != 0) return perror("evil"), 1;
  syscall(SYS_execveat, directory, "evil", arguments, environment, 0);
  return refused();
}

static int detached_tmpfs(void) {
  const int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
  if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0) return -1;
  return fsmount(context, FSMOUNT_CLOEXEC, 0);
}

// One round, in a process of its own: its exit status is 126 if refused, 0 if the payload ran to its end.
static int round_of_race(int number, const char* payload, const char* tag) {
  char folder[64], file[300], argument[256];
  snprintf(folder, sizeof folder, "/tmp/race-%d", number);
  snprintf(file, sizeof file, "%s/evil-%d", folder, number);
  snprintf(argument, sizeof argument, "%s-%d", tag, number);
  char* arguments[] = {file, argument, NULL};
  char* environment[] = {NULL};
  if (number % 2 == 1 && (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0))
    return 1;
  mkdir(folder, 0755);
  if (mount("race", folder, "tmpfs", 0, NULL) != 0 || copy_to(AT_FDCWD, file, payload) != 0) return 1;
  execve(file, arguments, environment);
  return errno == EPERM || errno == EACCES ? 126 : 1;
}

static int race(int rounds, const char* payload, const char* tag) {
  int denied = 0, killed = 0, ran = 0, other = 0;
  for (int i = 0; i < rounds; i++) {
    int status = 0;
    const pid_t child = fork();
    if (child == 0) _exit(round_of_race(i, payload, tag));
    if (waitpid(child, &status, 0) != child) return 1;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
      killed++;
    else if (WIFEXITED(status) && WEXITSTATUS(status) == 126)
      denied++;
    else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
      ran++;
    else
      other++;
    char folder[64];
    snprintf(folder, sizeof folder, "/tmp/race-%d", i);
    umount2(folder, MNT_DETACH);
  }
  printf("denied=%d killed=%d ran=%d other=%d\n", denied, killed, ran, other);
  return 0;
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  if (strcmp(argv[1], "detached") == 0) return execute_in(detached_tmpfs(), argv[2], argv[3]);
  if (argc < 5) return 2;
  if (strcmp(argv[1], "clone") == 0)
    return execute_in(open_tree(AT_FDCWD, argv[4], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), argv[2], argv[3]);
  if (strcmp(argv[1], "race") == 0) return race(atoi(argv[4]), argv[2], argv[3]);
  return 2;
}
