// fuse MOUNTPOINT PAYLOAD HOW: mounts a file system with one program in it, MOUNTPOINT/evil, a copy of PAYLOAD, and
// serves it in the background over the raw protocol; needs /dev/fuse. Returns when it is mounted. HOW:
//   serve      answers everything
//   mute-open, mute-read   never answers OPEN, READ: whoever executes the program hangs in the kernel
//   mute-stat  never answers GETATTR once the program has been read: it executes, and whoever stats it then hangs
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int device;
static char payload[1 << 20];
static uint64_t size;
static int keeps_attributes = 1;

static void answer(uint64_t unique, int error, const void* body, size_t length) {
  const struct fuse_out_header head = {(uint32_t)(sizeof head + (error ? 0 : length)), error, unique};
  const struct iovec parts[2] = {{(void*)&head, sizeof head}, {(void*)body, error ? 0 : length}};
  (void)!writev(device, parts, 2);
}

static struct fuse_attr attributes(uint64_t node) {
  struct fuse_attr attr = {.ino = node, .nlink = 1, .mode = S_IFDIR | 0755, .blksize = 4096};
  if (node == 2) attr.mode = S_IFREG | 0755, attr.size = size, attr.blocks = (size + 511) / 512;
  return attr;
}

static void look_up(const struct fuse_in_header* in, const char* name) {
  const struct fuse_entry_out entry = {
      .nodeid = 2, .entry_valid = 3600, .attr_valid = keeps_attributes ? 3600 : 0, .attr = attributes(2)};
  if (in->nodeid == 1 && strcmp(name, "evil") == 0)
    answer(in->unique, 0, &entry, sizeof entry);
  else
    answer(in->unique, -ENOENT, NULL, 0);
}

static void read_from(const struct fuse_in_header* in, const struct fuse_read_in* what) {
  const uint64_t begin = what->offset < size ? what->offset : size;
  const uint64_t length = size - begin < what->size ? size - begin : what->size;
  answer(in->unique, 0, payload + begin, in->nodeid == 2 ? length : 0);
}

static void serve(const char* how) {
  static char buffer[1 << 20] __attribute__((aligned(8)));
  int was_read = 0;
  for (;;) {
    const ssize_t n = read(device, buffer, sizeof buffer);
    if (n < 0 && (errno == EINTR || errno == ENOENT)) continue;
    if (n < (ssize_t)sizeof(struct fuse_in_header)) return;  // unmounted
    const struct fuse_in_header* in = (const void*)buffer;
    const void* body = buffer + sizeof *in;
    const struct fuse_init_out init = {
        .major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 65536, .max_readahead = 65536};
    const struct fuse_attr_out attr = {.attr_valid = keeps_attributes ? 3600 : 0, .attr = attributes(in->nodeid)};
    const struct fuse_open_out opened = {0};
    const struct fuse_statfs_out statistics = {.st = {.bsize = 4096, .namelen = 255}};
    switch (in->opcode) {
      case FUSE_INIT:
        answer(in->unique, 0, &init, sizeof init);
        break;
      case FUSE_LOOKUP:
        look_up(in, body);
        break;
      case FUSE_GETATTR:
        if (!was_read || strcmp(how, "mute-stat") != 0) answer(in->unique, 0, &attr, sizeof attr);
        break;
      case FUSE_OPEN:
        if (strcmp(how, "mute-open") != 0) answer(in->unique, 0, &opened, sizeof opened);
        break;
      case FUSE_READ:
        if (strcmp(how, "mute-read") != 0) read_from(in, body);
        was_read = 1;
        break;
      case FUSE_OPENDIR:
        answer(in->unique, 0, &opened, sizeof opened);
        break;
      case FUSE_STATFS:
        answer(in->unique, 0, &statistics, sizeof statistics);
        break;
      case FUSE_READDIR:
      case FUSE_RELEASE:
      case FUSE_RELEASEDIR:
      case FUSE_FLUSH:
        answer(in->unique, 0, NULL, 0);
        break;
      case FUSE_FORGET:
      case FUSE_BATCH_FORGET:
      case FUSE_INTERRUPT:
        break;  // want no answer
      default:
        answer(in->unique, -ENOSYS, NULL, 0);
    }
  }
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  keeps_attributes = strcmp(argv[3], "mute-stat") != 0;
  const int file = open(argv[2], O_RDONLY | O_CLOEXEC);
  const ssize_t n = read(file, payload, sizeof payload);
  if (n <= 0) return perror(argv[2]), 1;
  size = (uint64_t)n;
  device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0) return perror("/dev/fuse"), 1;
  char options[128];
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%d,group_id=%d,allow_other", device, getuid(),
           getgid());
  if (mount("fuse", argv[1], "fuse", 0, options) != 0) return perror("mount"), 1;
  if (fork() != 0) return 0;
  setsid();
  signal(SIGHUP, SIG_IGN);
  (void)!freopen("/dev/null", "r", stdin);
  (void)!freopen("/dev/null", "w", stdout);
  (void)!freopen("/dev/null", "w", stderr);
  serve(argv[3]);
  return 0;
}
