// stamp FILE TAG: what a program that nobody asked for can do before it is killed. From its first instruction on it
// writes the monotonic time into the page FILE, which others map: slot 0 when it began, slot 1 the last time it was
// still alive; slot 2 is 1 once it had a socket, slot 3 once it had written a file (/tmp/STAMP-TAG). It never ends by
// itself.
#include <sys/mman.h>
#include <sys/socket.h>

#include "tiny.h"

struct Page {
  volatile long began, last, sockets, files;
};

static long tiny_call6(long n, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
#else
  register long x8 __asm__("x8") = n;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#endif
}

static long now(void) {
  struct timespec {
    long seconds, nanoseconds;
  } t = {0, 0};
  tiny_call(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, (long)&t, 0, 0);
  return t.seconds * 1000000000L + t.nanoseconds;
}

static int tiny_main(int argc, char** argv) {
  const long began = now();
  if (argc != 3) return 2;
  const long fd = tiny_call(__NR_openat, AT_FDCWD, (long)argv[1], O_RDWR, 0);
  struct Page* page = (struct Page*)tiny_call6(__NR_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd < 0 || (long)page < 0) return 3;
  page->began = began;
  page->last = now();
  if (tiny_call(__NR_socket, AF_INET, SOCK_STREAM, 0, 0) >= 0) page->sockets = 1;
  page->last = now();
  char path[64] = "/tmp/STAMP-";
  size_t n = tiny_length(path);
  for (const char* c = argv[2]; *c != 0 && n + 1 < sizeof path; c++) path[n++] = *c;
  const long file = tiny_call(__NR_openat, AT_FDCWD, (long)path, O_CREAT | O_WRONLY, 0644);
  if (file >= 0 && tiny_call(__NR_write, file, (long)"x", 1, 0) == 1) page->files = 1;
  for (;;) page->last = now();
}
