// memfd HOW PAYLOAD TAG [SOCKET]: executes a copy of PAYLOAD that lies in memory only.
//   fexecve   memfd_create, execveat(fd, "", AT_EMPTY_PATH)
//   proc      memfd_create, execve("/proc/self/fd/N")
//   exec      memfd_create with MFD_EXEC
//   sealed    memfd_create with MFD_ALLOW_SEALING, every seal set before it is executed
//   receive   the memfd comes from another process over the unix socket SOCKET (PAYLOAD is not read)
//   held      made now, executed when the file /tmp/go is there
// Exit status 126 and the error in words if the kernel refuses.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif

static int made(const char* payload, unsigned flags) {
  static char buffer[65536];
  const int in = open(payload, O_RDONLY | O_CLOEXEC);
  const int out = (int)syscall(SYS_memfd_create, "memory", MFD_CLOEXEC | flags);
  ssize_t n;
  while (in >= 0 && out >= 0 && (n = read(in, buffer, sizeof buffer)) > 0)
    if (write(out, buffer, (size_t)n) != n) return -1;
  return in < 0 ? -1 : out;
}

static int received(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  const int channel = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(channel, (struct sockaddr*)&address, sizeof address) != 0) return -1;
  char byte, control[CMSG_SPACE(sizeof(int))];
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) <= 0 || CMSG_FIRSTHDR(&message) == NULL) return -1;
  int fd;
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  return fd;
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const char* how = argv[1];
  char* arguments[] = {argv[3], argv[3], NULL};
  char* environment[] = {NULL};
  const int fd = strcmp(how, "receive") == 0 && argc > 4 ? received(argv[4])
                 : strcmp(how, "exec") == 0              ? made(argv[2], MFD_EXEC)
                 : strcmp(how, "sealed") == 0            ? made(argv[2], MFD_ALLOW_SEALING)
                                                         : made(argv[2], 0);
  if (fd < 0) return fprintf(stderr, "refused: %s\n", strerror(errno)), 126;
  if (strcmp(how, "sealed") == 0 &&
      fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
    return perror("seal"), 1;
  if (strcmp(how, "held") == 0)
    while (access("/tmp/go", F_OK) != 0) usleep(10000);
  if (strcmp(how, "proc") == 0) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    execve(path, arguments, environment);
  } else {
    syscall(SYS_execveat, fd, "", arguments, environment, AT_EMPTY_PATH);
  }
  return fprintf(stderr, "refused: %s\n", strerror(errno)), 126;
}
